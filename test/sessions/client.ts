import { MicwireError } from '../../src/core/errors.ts';
import type { HeardItem, Service, ServiceAddress } from '../../src/core/services/service.ts';
import { SessionDriver } from '../../src/core/session/session-driver.ts';
import type {
  SessionIo,
  SocketHandle,
  SocketListener,
} from '../../src/core/session/session-driver.ts';
import type {
  SessionAction,
  SessionEvent,
  SessionState,
  SessionStats,
} from '../../src/core/session/session-messages.ts';
import type { Clock } from './invariants.ts';
import { Ledger } from './ledger.ts';
import { Machine } from './machine.ts';
import { Microphone } from './microphone.ts';
import type { Network } from './network.ts';
import { Player } from './player.ts';
import { Samples } from './samples.ts';
import { SAMPLE_RATE } from './recovery.ts';
import type { World } from './schedule.ts';
import { WatchedService } from './watched-service.ts';
import type { HandedConnection } from './watched-service.ts';

const URL = 'wss://service.example/';
/** Functions of the app that are slow take so long, ms. */
const SLOW_MS = 2500;
/** Events in one instant that look like an endless loop. */
const MOST_EVENTS = 5000;
/** Timers within a second. */
const MOST_TIMERS = 1000;
const MINUTE_MS = 60_000;
/** Lines of the log, at most. */
const MOST_LINES = 3000;

/** A session, its surroundings, and an account of it. */
export class Client {
  readonly machine: Machine;
  readonly microphone: Microphone;
  readonly player: Player;
  readonly ledger: Ledger;
  readonly watched: WatchedService;
  readonly driver: SessionDriver;
  readonly #world: World;
  readonly #time: Clock;
  readonly #network: Network;
  readonly #asks: () => void;
  readonly log: string[] = [];
  /** What the session has done so far: actions, and uses of sockets. */
  doings = 0;
  state: SessionState = 'connecting';
  /** `close()` was called, or the session has ended by itself. */
  isClosing = false;
  isClosed = false;
  /** The service has said that it wants no other connection. */
  isRefused = false;
  readonly played: { item: string; name: string | null; frames: number }[] = [];
  readonly errors: string[] = [];
  /** Faults of the app's functions. */
  readonly tokens: { readonly how: 'throws' | 'hangs' | 'slow' | 'bad' }[] = [];
  #isAbandoned = false;
  #hasSocket = false;
  #depth = 0;
  #elapsedMs = 0;
  #readMs = 0;
  #isPlaying = false;
  #isMuted = false;
  #message = 0;
  #received = 0;
  #timers = 0;
  #stats: SessionStats | null = null;
  readonly #connects: number[] = [];
  readonly #onlines: number[] = [];
  #timerCount = 0;
  #timerSince = 0;
  #eventCount = 0;
  #eventAt = -1;
  #serverFrames: () => number;

  constructor(
    world: World,
    time: Clock,
    service: Service,
    network: Network,
    parts: {
      readonly random: () => number;
      /** A promise was made or settled. */
      readonly asks: () => void;
      readonly serverFrames: () => number;
    },
  ) {
    this.#world = world;
    this.#time = time;
    this.#network = network;
    this.#asks = parts.asks;
    this.#serverFrames = parts.serverFrames;
    const samples = new Samples(world.format);
    this.machine = new Machine(world, time, parts.random);
    this.ledger = new Ledger(time, samples);
    this.watched = new WatchedService(service, time, world.chunkMs);
    this.player = new Player(time, this.machine, {
      played: (item, name, frames) => {
        this.played.push({ item, name, frames });
        this.tell({ type: 'played', item, name, frames });
      },
      playing: (playing) => {
        this.#isPlaying = playing;
        this.tell({ type: 'playing', playing });
      },
    });
    this.microphone = new Microphone(world, time, this.machine, samples, {
      audio: (audio) => {
        if (!this.isClosing) this.ledger.capture(audio, this.#mutedAs());
        this.tell({ type: 'audio', audio });
      },
      lost: (frames) => {
        if (!this.isClosing) this.ledger.lose(frames, this.#mutedAs() === 'nothing');
        this.tell({ type: 'lost', frames });
      },
    });
    const io: SessionIo = {
      now: () => this.#now(),
      setTimer: (ms, run) => this.#setTimer(ms, run),
      address: () => this.#address(),
      connect: (address, listener) => this.#connect(address, listener),
      random: parts.random,
    };
    const { maxOutboxMs, maxOutboxBytes, firstDelayMs, maxDelayMs } = world;
    const { connectTimeoutMs, readyTimeoutMs, stallMs, halfDuplex } = world;
    this.driver = new SessionDriver(
      this.watched.service,
      io,
      {
        session: `session-${world.seed}`,
        maxOutboxMs,
        maxOutboxBytes,
        firstDelayMs,
        maxDelayMs,
        connectTimeoutMs,
        readyTimeoutMs,
        stallMs,
        halfDuplex,
      },
      (action) => this.#act(action),
    );
  }

  /** The run is over: a session that asks for addresses again and again must not do so for ever. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  get stats(): SessionStats {
    return this.driver.stats;
  }

  // --- what the user and the app do ----------------------------------------------------------------------------------

  tell(event: SessionEvent): void {
    this.#note(event.type === 'audio' ? null : event);
    this.#run(() => this.driver.tell(event));
  }

  /** Events that come of events wait: only then everything is told. */
  #run(run: () => void): void {
    this.#countEvent();
    this.#depth++;
    run();
    if (--this.#depth === 0) this.check();
  }

  start(): void {
    this.tell({ type: 'start' });
    this.microphone.start();
  }

  mute(muted: boolean): void {
    this.machine.post(() => {
      this.#isMuted = muted;
      this.tell({ type: 'mute', muted });
    });
  }

  commit(): void {
    this.machine.post(() => {
      this.watched.commits.add(this.ledger.captured.end);
      this.tell({ type: 'commit' });
    });
  }

  send(count: number): void {
    this.machine.post(() => {
      for (let i = 0; i < count; i++) this.tell({ type: 'send', value: this.#valueOf() });
    });
  }

  #valueOf(): unknown {
    const up = ++this.#message;
    return this.#world.service === 'micwire' ? { up } : up;
  }

  interrupt(): void {
    this.machine.post(() => this.tell({ type: 'interrupt' }));
  }

  online(): void {
    if (!this.#world.tellsOnline) return;
    this.machine.post(() => {
      this.#onlines.push(this.#time.now);
      this.tell({ type: 'online' });
    });
  }

  close(drainMs: number): void {
    this.machine.post(() => {
      this.isClosing = true;
      this.tell({ type: 'close', drainMs });
    });
  }

  #mutedAs(): 'no' | 'silence' | 'nothing' {
    const isGated = this.#isMuted || (this.#world.halfDuplex && this.#isPlaying);
    if (!isGated) return 'no';
    const isSilence = this.#world.muteAs === 'silence' && this.#world.format !== 'opus';
    return isSilence ? 'silence' : 'nothing';
  }

  /** The clock as a session follows it: one that is set back stands still. */
  #now(): number {
    const { now } = this.machine;
    this.#elapsedMs += Math.max(0, now - this.#readMs);
    this.#readMs = now;
    return now;
  }

  // --- where the session runs ----------------------------------------------------------------------------------------

  #setTimer(ms: number, run: () => void): () => void {
    this.#timers++;
    let isOver = false;
    const settle = (): void => {
      if (!isOver) this.#timers--;
      isOver = true;
    };
    const cancel = this.machine.setTimer(ms, () => {
      settle();
      this.#countTimer();
      this.#countEvent();
      run();
      this.check();
    });
    return () => {
      settle();
      cancel();
    };
  }

  #countTimer(): void {
    const { now } = this.#time;
    if (now - this.#timerSince >= 1000) {
      this.#timerSince = now;
      this.#timerCount = 0;
    }
    if (++this.#timerCount > MOST_TIMERS) {
      this.#time.fail('bounded rate', `More than ${MOST_TIMERS} timers within a second.`);
    }
  }

  #countEvent(): void {
    const { now } = this.#time;
    if (now !== this.#eventAt) this.#eventCount = 0;
    this.#eventAt = now;
    if (++this.#eventCount > MOST_EVENTS) {
      this.#time.fail('bounded rate', `More than ${MOST_EVENTS} events in one instant.`);
    }
  }

  #address(): Promise<ServiceAddress> {
    this.doings++;
    this.#asks();
    if (this.#isAbandoned) return new Promise(() => {});
    const how = this.tokens.at(-1)?.how;
    if (how === 'throws') throw new Error('The token server is down.');
    if (how === 'hangs') return new Promise(() => {});
    const ms = how === 'slow' ? SLOW_MS : this.#world.tokenMs;
    const url = how === 'bad' ? 'no address' : URL;
    const address = { url, protocols: [] };
    if (ms === 0) return Promise.resolve(address);
    return new Promise((resolve) => {
      this.#time.after(ms, () => {
        this.machine.post(() => {
          this.#asks();
          resolve(address);
        });
      });
    });
  }

  #connect({ url }: ServiceAddress, listener: SocketListener): SocketHandle {
    if (url !== URL) throw new SyntaxError(`${url} is no address.`);
    this.doings++;
    this.#checkRate();
    if (this.#hasSocket) {
      this.#time.fail('coherent actions', 'It connects while the connection before is there.');
    }
    let handed: HandedConnection | null = null;
    let isClosed = false;
    const count = this.watched.connections.length;
    const post = (run: () => void): void => {
      this.machine.post(() => this.#run(run));
    };
    const connection = this.#network.connect({
      opened: () => {
        post(() => {
          listener.opened();
          handed = this.watched.connections[count] ?? null;
          if (handed !== null) handed.number = connection.number;
        });
      },
      message: (data) => post(() => listener.message(data)),
      closed: (code, reason) => {
        post(() => {
          if (isClosed) {
            listener.closed(code, reason);
            return;
          }
          this.#note({ closed: code, reason });
          isClosed = true;
          this.#hasSocket = false;
          this.#noteStop(code, reason);
          this.#now();
          this.#readBuffer(handed, connection.up.bufferedBytes);
          this.#lost(handed, false);
          listener.closed(code, reason);
        });
      },
    });
    this.#hasSocket = true;
    const read = (): number => this.#readBuffer(handed, connection.up.bufferedBytes);
    return {
      get bufferedBytes(): number {
        return read();
      },
      send: (message) => {
        this.doings++;
        if (isClosed) this.#time.fail('coherent actions', 'It sends after the socket has closed.');
        connection.sendFromClient(message);
      },
      close: (code) => {
        if (isClosed) return;
        this.#note({ closes: code });
        isClosed = true;
        this.#hasSocket = false;
        this.#lost(handed, true);
        connection.closeFromClient(code);
      },
    };
  }

  /** What the session reads of its socket, the rules know as well: what has left, and since when it is known. */
  #readBuffer(handed: HandedConnection | null, bufferedBytes: number): number {
    if (handed !== null) {
      const leftBytes = handed.bytes - bufferedBytes;
      for (let next = handed.audio[handed.left]; next !== undefined;) {
        if (next.endBytes > leftBytes) break;
        next.leftAtMs = this.#elapsedMs;
        next = handed.audio[++handed.left];
      }
    }
    return bufferedBytes;
  }

  #lost(handed: HandedConnection | null, wasGivenUp: boolean): void {
    if (handed === null) return;
    handed.lostAtMs = this.#elapsedMs;
    handed.wasGivenUp = wasGivenUp;
  }

  /** Back-off allows so many attempts. */
  #checkRate(): void {
    const { now } = this.#time;
    if (this.isRefused) this.#time.fail('stays away', 'It connects though the service said no.');
    this.#connects.push(now);
    const since = (list: readonly number[]): number =>
      list.filter((at) => at > now - MINUTE_MS).length;
    const { maxDelayMs } = this.#world;
    const most = 20 + (4 * MINUTE_MS) / maxDelayMs + 2 * since(this.#onlines);
    if (since(this.#connects) > most) {
      this.#time.fail('bounded rate', `${since(this.#connects)} connections within a minute.`);
    }
  }

  #noteStop(code: number, reason: string): void {
    this.isRefused ||= this.watched.service.afterClose(code, reason) === 'stop';
  }

  // --- what the session asks for -------------------------------------------------------------------------------------

  #act(action: SessionAction): void {
    this.#note(action);
    this.doings++;
    if (this.isClosed) this.#time.fail('coherent actions', `${action.type} comes after closed.`);
    switch (action.type) {
      case 'state':
        if (action.state === this.state) {
          this.#time.fail('coherent actions', `The state is ${action.state} again.`);
        }
        this.state = action.state;
        return;
      case 'service':
        this.player.take(action.event);
        if (action.event.type === 'message') this.#takeMessage(action.event.value);
        return;
      case 'interrupt':
        return this.#interruptPlayer();
      case 'gap':
        this.ledger.tell(action.gap);
        return;
      case 'error':
        if (!(action.error instanceof MicwireError)) {
          this.#time.fail('coherent actions', 'An error is not a MicwireError.');
        }
        this.errors.push(action.error.message);
        return;
      case 'closed':
        this.isClosed = true;
        this.isClosing = true;
        return;
      case 'interrupted':
        return;
      default:
        this.#time.fail('coherent actions', `${action.type} is the driver's.`);
    }
  }

  #interruptPlayer(): void {
    const answer = (): void => {
      const heard: HeardItem = this.player.interrupt();
      this.tell({ type: 'interrupted', heard });
    };
    if (this.#world.silenceMs === 0) answer();
    else this.#time.after(this.#world.silenceMs, () => this.machine.post(answer));
  }

  #takeMessage(value: unknown): void {
    const down = typeof value === 'number' ? value : (value as { readonly down: number }).down;
    if (down <= this.#received) {
      this.#time.fail('messages in order', `Message ${down} came after ${this.#received}.`);
    }
    this.#received = down;
  }

  // --- the account ---------------------------------------------------------------------------------------------------

  /** What holds at every instant. */
  check(): void {
    const stats = this.driver.stats;
    const { capturedFrames, acknowledgedFrames, inFlightFrames, waitingFrames } = stats;
    const { droppedFrames, outboxBytes } = stats;
    const fail = (what: string): never =>
      this.#time.fail('account', `${what} ${JSON.stringify(stats)}`);
    const sum = acknowledgedFrames + inFlightFrames + waitingFrames + droppedFrames;
    if (sum !== capturedFrames) fail(`The sum is ${sum}.`);
    if (Math.min(acknowledgedFrames, inFlightFrames, waitingFrames, droppedFrames) < 0) {
      fail('Less than none.');
    }
    if (!this.isClosing && capturedFrames !== this.ledger.capturedFrames) {
      fail(`${this.ledger.capturedFrames} were captured.`);
    }
    const before = this.#stats;
    if (before !== null) {
      const isBack =
        capturedFrames < before.capturedFrames ||
        acknowledgedFrames < before.acknowledgedFrames ||
        stats.replayedFrames < before.replayedFrames ||
        stats.connections < before.connections;
      if (isBack) fail(`Runs backwards from ${JSON.stringify(before)}.`);
    }
    this.#stats = stats;
    if (this.#world.service === 'micwire' && acknowledgedFrames > this.#serverFrames()) {
      this.#time.fail(
        'acknowledged truly',
        `${acknowledgedFrames} frames, and the server had ${this.#serverFrames()}.`,
      );
    }
    const heldMs = ((inFlightFrames + waitingFrames) / SAMPLE_RATE) * 1000;
    const { maxOutboxBytes, maxOutboxMs } = this.#world;
    if (outboxBytes > maxOutboxBytes || heldMs > maxOutboxMs) {
      this.#time.fail('bounded memory', `The outbox holds ${outboxBytes} bytes, ${heldMs} ms.`);
    }
    if (this.driver.state !== this.state) fail(`The state is ${this.driver.state}.`);
  }

  /** What holds when it has closed. */
  checkClosed(): void {
    const fail = (what: string): never => this.#time.fail('all settled', what);
    if (!this.isClosed) fail('It has not closed.');
    if (this.#timers > 0) fail('A timer is left.');
    if (this.#hasSocket) fail('A socket is left.');
    const { inFlightFrames, waitingFrames, droppedFrames } = this.stats;
    if (inFlightFrames + waitingFrames > 0) fail('Audio is left.');
    const told = this.ledger.gaps.reduce((sum, { frames }) => sum + frames, 0);
    if (told !== droppedFrames) {
      this.#time.fail('gaps told truly', `${told} frames were told, and ${droppedFrames} dropped.`);
    }
  }

  #note(what: unknown): void {
    if (what === null || this.log.length > MOST_LINES) return;
    const { type } = what as { readonly type?: string };
    if (type === 'tick') return;
    this.log.push(`  ${(this.#time.now / 1000).toFixed(3)} ${textOf(what)}`);
  }
}

function textOf(what: unknown): string {
  return JSON.stringify(what, (_, value: unknown) =>
    value instanceof Uint8Array
      ? `${value.length} bytes`
      : value instanceof Error
        ? value.message
        : value,
  );
}
