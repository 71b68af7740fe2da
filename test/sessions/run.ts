import { micwire } from '../../src/core/services/micwire.ts';
import type { Service } from '../../src/core/services/service.ts';
import { seededRandom } from '../helpers/random.ts';
import { Client } from './client.ts';
import { Clock, Violation } from './invariants.ts';
import type { Rule } from './invariants.ts';
import { MicwireServer } from './micwire-server.ts';
import { Network } from './network.ts';
import type { ServerEnd } from './network.ts';
import { SAMPLE_RATE, longestOutageMs, replaySpeedOf } from './recovery.ts';
import { planSchedule } from './schedule.ts';
import type { Action, Schedule, World } from './schedule.ts';
import type { SimulatedServer } from './server.ts';
import { SilentServer } from './silent-server.ts';
import { silentService } from './silent-service.ts';
import { checkSilent } from './silent-account.ts';

/** What a schedule has shown to be wrong. */
export interface Failure {
  readonly rule: Rule;
  readonly atMs: number;
  readonly detail: string;
}

/** How often the rules look whether an outage is over. */
const LOOK_MS = 50;
/** A session is undisturbed so long before it is closed. */
const QUIET_MS = 1000;
/** A polite server says so before it goes. */
const LEAVE_MS = 1000;
/** `close()` may take so much longer than `drainMs`. */
const CLOSE_MS = 100;
/** Nothing may happen so long after a session has closed. */
const AFTER_MS = 30_000;
/** Promises settle within so many turns. */
const TURNS = 8;

/** Runs the schedule of a seed. @returns null when all went well */
export function runSeed(seed: number): Promise<Failure | null> {
  return runSchedule(planSchedule(seed));
}

/** Virtual time that a schedule takes, about. */
export function durationMs({ actions }: Schedule): number {
  return Math.max(0, ...actions.map(({ at, for: ms }) => at + ms)) + QUIET_MS;
}

/**
 * Runs a schedule from beginning to end, in virtual time: what is planned, then time to recover, then `close()`.
 * @param onLog takes what happened
 * @returns null when all went well
 */
export async function runSchedule(
  schedule: Schedule,
  onLog: (lines: readonly string[]) => void = () => {},
): Promise<Failure | null> {
  const time = new Clock();
  const course = new Course(schedule, time);
  try {
    await course.run();
    return null;
  } catch (error) {
    if (error instanceof Violation) {
      return { rule: error.rule, atMs: error.atMs, detail: error.message };
    }
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { rule: 'no exception', atMs: time.now, detail };
  } finally {
    course.client.abandon();
    onLog(course.client.log);
  }
}

class Course {
  readonly client: Client;
  readonly #world: World;
  readonly #schedule: Schedule;
  readonly #time: Clock;
  readonly #network: Network;
  readonly #server: SimulatedServer;
  /** Promises were made or settled: they want a turn. */
  #isAsked = false;
  /** Faults that last. */
  #faults = 0;
  /** When the present calm began; Infinity: it has not. */
  #calmAtMs = 0;
  /** The outage of before has to be over then. */
  #overByMs = Infinity;
  readonly #ends = new Map<Action, () => void>();

  constructor(schedule: Schedule, time: Clock) {
    const { world } = schedule;
    this.#world = world;
    this.#schedule = schedule;
    this.#time = time;
    const asks = (): void => {
      this.#isAsked = true;
    };
    const end: ServerEnd = {
      accepted: (connection) => this.#server.end.accepted(connection),
      message: (connection, data) => this.#server.end.message(connection, data),
      closed: (connection, code) => this.#server.end.closed(connection, code),
    };
    this.#network = new Network(time, world, end);
    const service = serviceOf(world);
    this.client = new Client(world, time, service, this.#network, {
      random: seededRandom(world.seed + 1),
      asks,
      serverFrames: () => this.#server.receivedFrames,
    });
    const { client } = this;
    const view = {
      heard: client.player.heard,
      played: client.played,
      commits: client.watched.commits,
      item: (name: string) => client.player.item(name),
    };
    this.#server =
      world.service === 'micwire'
        ? new MicwireServer(world, time, client.ledger, view, this.#network, asks)
        : new SilentServer(world, time, client.ledger, view, this.#network);
  }

  async run(): Promise<void> {
    const { client } = this;
    const time = this.#time;
    for (const action of this.#schedule.actions) {
      time.at(action.at, () => this.#begin(action));
      time.at(action.at + action.for, () => this.#end(action));
    }
    this.#calm();
    client.start();
    const lastMs = durationMs(this.#schedule);
    for (let now = LOOK_MS; ; now += LOOK_MS) {
      await this.#runUntil(now);
      this.#look();
      if (now >= lastMs && (client.isClosing || this.#isOver(now))) break;
    }
    const isAlive = !client.isClosing;
    await this.#close();
    this.#server.checkEnd(isAlive);
    if (this.#server instanceof MicwireServer) {
      client.ledger.reconcile(this.#server.stored, this.#server.excused);
    } else checkSilent(client, this.#server as SilentServer, time, this.#world);
  }

  #isOver(now: number): boolean {
    if (replaySpeedOf(this.#world) <= 1) return now >= this.#calmAtMs + QUIET_MS;
    return this.#overByMs === Infinity && now >= this.#calmAtMs + QUIET_MS;
  }

  async #close(): Promise<void> {
    const { client } = this;
    const { drainMs } = this.#world;
    const isDrained = !client.isClosing;
    client.close(drainMs);
    const byMs = this.#time.now + drainMs + CLOSE_MS + Math.max(0, this.#world.timerLateMs);
    await this.#runUntil(byMs);
    client.checkClosed();
    if (isDrained) this.#checkDrained();
    const { doings } = client;
    await this.#runUntil(byMs + AFTER_MS);
    if (client.doings !== doings) {
      this.#time.fail('all settled', 'The session does something after it has closed.');
    }
  }

  /** With time enough, nothing is lost by `close()`. */
  #checkDrained(): void {
    const lost = this.client.ledger.gaps.find(({ cause }) => cause === 'closed');
    if (lost === undefined || this.#world.drainMs < 2000) return;
    this.#time.fail('exactly once', `close() lost ${lost.frames} frames from ${lost.frame} on.`);
  }

  async #runUntil(ms: number): Promise<void> {
    const time = this.#time;
    for (;;) {
      for (let turn = 0; this.#isAsked && turn < TURNS; turn++) {
        if (turn === TURNS - 1) this.#isAsked = false;
        await Promise.resolve();
      }
      if (!time.runNext(ms)) break;
      time.check();
    }
    time.now = ms;
  }

  // --- outages -------------------------------------------------------------------------------------------------------

  #disturb(): void {
    this.#faults++;
    this.#overByMs = Infinity;
    this.#calmAtMs = Infinity;
  }

  #calm(): void {
    if (this.#faults > 0) return;
    const { now } = this.#time;
    this.#calmAtMs = now;
    const { inFlightFrames, waitingFrames } = this.client.stats;
    const backlogMs = ((inFlightFrames + waitingFrames) / SAMPLE_RATE) * 1000;
    this.#overByMs = now + longestOutageMs(this.#world, this.client.watched.service, backlogMs);
  }

  #look(): void {
    const { now } = this.#time;
    const { client } = this;
    if (this.#overByMs === Infinity) return;
    if (client.isClosing) {
      this.#overByMs = Infinity;
      return;
    }
    const { state } = client;
    const { waitingFrames, inFlightFrames } = client.stats;
    const isSound = this.#network.latest?.isSound === true;
    const most = this.#usualFrames();
    if (state === 'open' && isSound && waitingFrames + inFlightFrames <= most) {
      this.#overByMs = Infinity;
      return;
    }
    if (now <= this.#overByMs) return;
    const ms = Math.round(now - this.#calmAtMs);
    const what = `${waitingFrames} frames wait, ${inFlightFrames} are in flight`;
    this.#time.fail('outage ends', `Calm for ${ms} ms, and ${state}; ${what}.`);
  }

  /** Frames that wait or are in flight when all is well. */
  #usualFrames(): number {
    const { chunkMs, latencyMs, storeMs, service, overlapMs } = this.#world;
    const ackMs = service === 'micwire' ? 100 + storeMs : overlapMs;
    return ((2 * chunkMs + 4 * latencyMs + ackMs + 500) * SAMPLE_RATE) / 1000;
  }

  // --- what a schedule asks ------------------------------------------------------------------------------------------

  #begin(action: Action): void {
    this.client.log.push(`${(this.#time.now / 1000).toFixed(3)} ${JSON.stringify(action)}`);
    if (this.#isFault(action)) this.#disturb();
    const end = this.#start(action);
    if (end !== undefined) this.#ends.set(action, end);
  }

  #end(action: Action): void {
    this.#ends.get(action)?.();
    if (!this.#isFault(action)) return;
    this.#faults--;
    this.#calm();
  }

  #isFault({ kind }: Action): boolean {
    return FAULTS.has(kind) || (this.#world.service === 'silent' && SILENCES.has(kind));
  }

  /** @returns what ends it */
  #start(action: Action): (() => void) | undefined {
    const { client } = this;
    const network = this.#network;
    const server = this.#server;
    const { machine, microphone } = client;
    switch (action.kind) {
      case 'cut':
        network.latest?.lose(action.noticed);
        return undefined;
      case 'break':
        return this.#break(action);
      case 'blackout':
        return this.#blackout(action.direction);
      case 'offline': {
        network.offline++;
        const restore = this.#blackout('both');
        if (action.cuts) for (const connection of network.connections) connection.lose('client');
        return () => {
          network.offline--;
          restore();
          if (network.offline === 0) client.online();
        };
      }
      case 'refuse':
        network.refusing++;
        return () => network.refusing--;
      case 'hang':
        network.hanging++;
        return () => network.hanging--;
      case 'busy':
        server.busy(1);
        return () => server.busy(-1);
      case 'deny':
        server.deny(action.code);
        return () => server.deny(null);
      case 'close':
        network.latest?.closeFromServer(action.code, '');
        return undefined;
      case 'restart':
        return this.#restart(action.polite, action.lostMs);
      case 'slow':
        return network.slow(action.factor);
      case 'delay':
        return network.delay(action.by);
      case 'token': {
        const token = { how: action.how };
        client.tokens.push(token);
        return () => client.tokens.splice(client.tokens.indexOf(token), 1);
      }
      case 'sleep': {
        machine.sleep();
        const restore = this.#blackout('both');
        return () => {
          restore();
          machine.wake();
        };
      }
      case 'freeze':
        machine.freeze();
        return () => machine.thaw();
      case 'hide':
        machine.hidden++;
        return () => machine.hidden--;
      case 'clock':
        machine.setClock(action.by);
        if (action.by > 0) client.watched.forgive();
        return undefined;
      case 'mute':
        return this.#mute(action.every);
      case 'interrupt': {
        const interrupt = (): void => {
          if (action.by === 'user') client.interrupt();
          else server.interrupt();
        };
        return this.#again(action.every, interrupt);
      }
      case 'commit':
        return this.#again(action.every, () => client.commit());
      case 'drop':
        if (!action.ends) microphone.drop(action.frames);
        else {
          microphone.lose(action.frames);
          return () => microphone.resume();
        }
        return undefined;
      case 'pause':
        microphone.stop();
        return () => microphone.resume();
      case 'say':
        server.say(Math.round((action.for * SAMPLE_RATE) / 1000), action.speed, action.mark);
        return undefined;
      case 'message':
        client.send(action.count);
        server.send(action.count);
        return undefined;
      case 'nonsense':
        server.nonsense(action.what);
        return undefined;
      case 'second':
        server.takeOver();
        return undefined;
      case 'end':
        if (!client.isClosing) client.close(this.#world.drainMs);
        return undefined;
    }
  }

  #break({ next, direction, bytes }: Action & { readonly kind: 'break' }): () => void {
    const network = this.#network;
    if (next) {
      const item = { direction, bytes };
      network.breaks.push(item);
      return () => {
        const at = network.breaks.indexOf(item);
        if (at >= 0) network.breaks.splice(at, 1);
        for (const connection of network.connections) connection[direction].breakAfter(Infinity);
      };
    }
    const { latest } = network;
    latest?.[direction].breakAfter(bytes);
    return () => latest?.[direction].breakAfter(Infinity);
  }

  #blackout(direction: 'up' | 'down' | 'both'): () => void {
    const directions = direction === 'both' ? (['up', 'down'] as const) : [direction];
    for (const one of directions) this.#network.block(one, 1);
    return () => {
      for (const one of directions) this.#network.block(one, -1);
    };
  }

  #restart(isPolite: boolean, lostMs: number): () => void {
    const network = this.#network;
    const server = this.#server;
    const stop = (): void => {
      network.refusing++;
      server.kill();
    };
    const start = (): void => {
      network.refusing--;
      server.start(lostMs);
    };
    if (!isPolite) {
      stop();
      return start;
    }
    server.leave(LEAVE_MS);
    this.#faults++;
    this.#time.after(LEAVE_MS, stop);
    return () => {
      this.#time.after(LEAVE_MS, () => {
        start();
        this.#faults--;
        this.#calm();
      });
    };
  }

  #mute(every: number): () => void {
    const { client } = this;
    let isMuted = false;
    const toggle = (): void => {
      isMuted = !isMuted;
      client.mute(isMuted);
    };
    const stop = this.#again(every, toggle);
    return () => {
      stop();
      if (isMuted) toggle();
    };
  }

  /** Runs it now and each `everyMs`. @returns stops it */
  #again(everyMs: number, run: () => void): () => void {
    let isOver = false;
    const again = (): void => {
      if (isOver) return;
      run();
      if (everyMs > 0) this.#time.after(everyMs, again);
    };
    again();
    return () => {
      isOver = true;
    };
  }
}

const FAULTS: ReadonlySet<Action['kind']> = new Set([
  'cut',
  'break',
  'blackout',
  'offline',
  'refuse',
  'hang',
  'busy',
  'deny',
  'close',
  'restart',
  'slow',
  'delay',
  'token',
  'sleep',
  'freeze',
  'hide',
  'clock',
]);

/** Without audio, and without acknowledgements, nobody notices that a connection is gone. */
const SILENCES: ReadonlySet<Action['kind']> = new Set(['mute', 'pause', 'drop']);

function serviceOf(world: World): Service {
  if (world.service === 'silent') return silentService(world);
  const stream = { sampleRate: SAMPLE_RATE, channels: 1 } as const;
  const service = micwire({
    input: { ...stream, format: world.format },
    output: { ...stream, format: 's16' },
    replaySpeed: world.replaySpeed,
  });
  return { ...service, muteAs: world.muteAs };
}
