import { expect } from 'vitest';
import { PacketError } from '../../src/core/errors.ts';
import type {
  Service,
  ServiceEvent,
  ServiceRequest,
  UpAudio,
} from '../../src/core/services/service.ts';
import { RawAudio } from '../../src/core/session/raw-audio.ts';
import { SessionLife } from '../../src/core/session/session-life.ts';
import type { SessionLifeOptions } from '../../src/core/session/session-life.ts';
import type {
  CapturedAudio,
  SessionAction,
  SessionEvent,
  SessionGap,
} from '../../src/core/session/session-messages.ts';

/** 16 kHz: a ms is 16 frames of 2 bytes. */
const FRAMES_PER_MS = 16;

/**
 * A service whose messages are the requests as JSON, and whose messages down are lists of events as JSON. Audio is a message of as
 * many bytes as the audio has. `'crash'` makes it throw what it must not, `'nonsense'` a PacketError.
 */
export function scriptedService(options: Partial<Service> = {}): Service {
  return {
    id: 'scripted',
    transport: 'websocket',
    input: { format: 's16', sampleRate: 16_000, channels: 1 },
    output: { format: 's16', sampleRate: 24_000, channels: 1 },
    chunkDurationMs: 20,
    encoding: 'binary',
    acknowledges: true,
    overlapMs: 0,
    replaySpeed: 2,
    muteAs: 'silence',
    keepAliveMs: 0,
    readyOnOpen: false,
    answersEnd: false,
    address: (url) => ({ url, protocols: [] }),
    connect: () => ({ encode, decode }),
    afterClose: (code) => (code === 4400 ? 'stop' : 'retry'),
    ...options,
  } as Service;
}

/** The first frames of messages of audio. */
const frameOf = new WeakMap<Uint8Array, number>();

export function encode(request: ServiceRequest): readonly (string | Uint8Array<ArrayBuffer>)[] {
  if (request.type === 'audio') {
    frameOf.set(request.audio.bytes, request.audio.frame);
    return [request.audio.bytes];
  }
  if (request.type === 'message' && request.value === undefined) throw new TypeError('No value.');
  return [JSON.stringify(request)];
}

export function decode(message: string | Uint8Array): readonly ServiceEvent[] {
  if (message === 'nonsense') throw new PacketError('bad-json', 'Not JSON.');
  if (message === 'crash') throw new Error('A fault of the service.');
  return JSON.parse(message as string) as ServiceEvent[];
}

/** Audio whose samples are the numbers of their frames, modulo 2¹⁶. */
export function numberedAudio(frame: number, frames: number, dropped = 0): CapturedAudio {
  const bytes = new Uint8Array(frames * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < frames; i++) view.setUint16(i * 2, (frame + i) & 0xffff, true);
  return Object.assign(new RawAudio(frame, frames, bytes), { dropped });
}

/** Requests as they went over the wire; of audio where it begins, and its frames. */
export type Heard = Exclude<ServiceRequest, { readonly type: 'audio' }> | HeardAudio;
interface HeardAudio {
  readonly type: 'audio';
  readonly frame: number;
  readonly frames: number;
}

export interface PlayOptions extends Partial<Omit<SessionLifeOptions, 'random' | 'session'>> {
  readonly service?: Partial<Service>;
  readonly random?: () => number;
}

/** Tells a session what happens, in virtual time, and follows what it does. Its sockets take everything at once, unless `buffered` is set. */
export class SessionPlay {
  readonly service: Service;
  readonly life: SessionLife;
  nowMs = 1000;
  /** What the socket holds. */
  buffered = 0;
  /** The attempt that was asked for last. */
  attempt = 0;
  /** The attempt whose socket is there; 0: none. */
  socket = 0;
  /** What was sent and not looked at yet. */
  readonly wire: Heard[] = [];
  readonly gaps: SessionGap[] = [];
  readonly errors: Error[] = [];
  /** The frame that is captured next. */
  frame = 0;
  #toldFrames = 0;
  /** The frame after all that was sent last. */
  lastFrame = 0;

  constructor({ service = {}, random = () => 0.5, ...options }: PlayOptions = {}) {
    this.service = scriptedService(service);
    this.life = new SessionLife(this.service, { random, session: 'session-1', ...options });
  }

  /** A session whose first connection is ready. */
  static open(options: PlayOptions = {}): SessionPlay {
    const play = new SessionPlay(options);
    play.tell({ type: 'start' });
    play.connect();
    play.heard();
    return play;
  }

  tell(event: SessionEvent): readonly SessionAction[] {
    const actions = this.life.handle(event, this.nowMs, this.buffered);
    for (const action of actions) {
      if (action.type === 'address') this.attempt = action.attempt;
      if (action.type === 'connect') this.socket = action.attempt;
      if (action.type === 'disconnect') {
        this.#checkSocket(action.attempt);
        this.socket = 0;
        this.buffered = 0;
      }
      if (action.type === 'send') {
        this.#checkSocket(action.attempt);
        this.wire.push(this.#read(action.message));
      }
      if (action.type === 'gap') {
        this.gaps.push(action.gap);
        this.#toldFrames += action.gap.frames;
      }
      if (action.type === 'error') this.errors.push(action.error);
    }
    this.checkAccount();
    return actions;
  }

  /** The account adds up, and is the one of the gaps that were told. */
  checkAccount(): void {
    const { capturedFrames, acknowledgedFrames, inFlightFrames, waitingFrames, droppedFrames } =
      this.life.stats;
    const parts = [acknowledgedFrames, inFlightFrames, waitingFrames, droppedFrames];
    const sum = parts.reduce((all, part) => all + part);
    const told = this.#toldFrames;
    const isClosed = this.life.state === 'closed';
    // Not with expect: it is called after every event of long lives.
    if (sum !== capturedFrames || !parts.every((part) => part >= 0)) {
      throw new Error(`The account does not add up: ${JSON.stringify(this.life.stats)}`);
    }
    if (isClosed ? told !== droppedFrames : told > droppedFrames) {
      throw new Error(`${told} frames were told as lost, ${droppedFrames} were.`);
    }
  }

  /** Lets time pass, with the ticks that are due. @returns what was done meanwhile */
  wait(ms: number): readonly SessionAction[] {
    const end = this.nowMs + ms;
    const actions: SessionAction[] = [];
    while (this.life.dueMs <= end) {
      this.nowMs = Math.max(this.nowMs, this.life.dueMs);
      actions.push(...this.tell({ type: 'tick' }));
    }
    this.nowMs = end;
    return actions;
  }

  /** The app gives the address, the socket opens, and the service is ready. */
  connect(...events: readonly ServiceEvent[]): readonly SessionAction[] {
    return [...this.reach(), ...this.say(...events, { type: 'ready' })];
  }

  /** The app gives the address, and the socket opens. */
  reach(): readonly SessionAction[] {
    const address = { url: 'wss://service.example', protocols: [] };
    const { attempt } = this;
    return [
      ...this.tell({ type: 'address', attempt, address }),
      ...this.tell({ type: 'opened', attempt }),
    ];
  }

  /** The service says something. */
  say(...events: readonly ServiceEvent[]): readonly SessionAction[] {
    return this.tell({ type: 'message', attempt: this.attempt, data: JSON.stringify(events) });
  }

  acknowledge(frame: number): readonly SessionAction[] {
    return this.say({ type: 'acknowledged', frame });
  }

  /** The socket closes. */
  drop(code = 1006, reason = ''): readonly SessionAction[] {
    const actions = this.tell({ type: 'closed', attempt: this.attempt, code, reason });
    this.socket = 0;
    this.buffered = 0;
    return actions;
  }

  /** Waits until the app is asked for an address again. @returns how long, ms */
  waitForAttempt(): number {
    const { attempt, nowMs } = this;
    while (this.attempt === attempt && this.life.dueMs < Infinity) {
      this.wait(this.life.dueMs - this.nowMs);
    }
    expect(this.attempt).toBe(attempt + 1);
    return this.nowMs - nowMs;
  }

  /** The next attempt is made, and succeeds. */
  reconnect(...events: readonly ServiceEvent[]): readonly SessionAction[] {
    this.waitForAttempt();
    return this.connect(...events);
  }

  /** Captures so much audio at once, as one chunk. */
  capture(ms: number, dropped = 0): readonly SessionAction[] {
    this.frame += dropped;
    const audio = numberedAudio(this.frame, ms * FRAMES_PER_MS, dropped);
    this.frame += audio.frames;
    return this.tell({ type: 'audio', audio });
  }

  /** Captures as time passes, in chunks of 20 ms. `acknowledged`: the service acknowledges what it is sent. */
  talk(ms: number, { acknowledged = false } = {}): void {
    for (let at = 0; at < ms; at += 20) {
      this.wait(20);
      this.capture(20);
      const last = this.wire.findLast((heard) => heard.type === 'audio');
      if (acknowledged && last !== undefined) this.acknowledge(last.frame + last.frames);
    }
  }

  /** What the service was sent since the last call. */
  heard(): readonly Heard[] {
    return this.wire.splice(0);
  }

  /** The same, only audio, with neighbours as one: where it begins, and where it ends. */
  heardAudio(): readonly (readonly [from: number, to: number])[] {
    const stretches: [number, number][] = [];
    for (const heard of this.heard()) {
      if (heard.type !== 'audio') continue;
      const last = stretches.at(-1);
      if (last !== undefined && last[1] === heard.frame) last[1] += heard.frames;
      else stretches.push([heard.frame, heard.frame + heard.frames]);
    }
    return stretches;
  }

  #checkSocket(attempt: number): void {
    if (attempt === this.socket) return;
    throw new Error(`Attempt ${attempt} is used, but the socket is of ${this.socket}.`);
  }

  #read(message: string | Uint8Array): Heard {
    if (typeof message === 'string') return JSON.parse(message) as Heard;
    const frame = frameOf.get(message) ?? Number.NaN;
    const frames = message.length / 2;
    const first = new DataView(message.buffer, message.byteOffset).getUint16(0, true);
    const isNumbered = this.service.input.format === 's16' && message.some((byte) => byte !== 0);
    if (isNumbered && first !== (frame & 0xffff)) {
      throw new Error(`Audio of frame ${frame} begins with sample ${first}.`);
    }
    this.lastFrame = frame + frames;
    return { type: 'audio', frame, frames };
  }
}

/** The actions of one type. */
export function actionsOf<T extends SessionAction['type']>(
  actions: readonly SessionAction[],
  type: T,
): readonly Extract<SessionAction, { type: T }>[] {
  return actions.filter((action) => action.type === type) as Extract<SessionAction, { type: T }>[];
}

export function samplesOf(audio: UpAudio): Uint16Array {
  return new Uint16Array(audio.bytes.slice().buffer);
}
