import type {
  Service,
  ServiceConnection,
  ServiceRequest,
  UpAudio,
  WireMessage,
} from '../../src/core/services/service.ts';
import type { Clock } from './invariants.ts';
import { SAMPLE_RATE } from './recovery.ts';

/** So much audio may go out at once: a burst, or one chunk. */
const BURST_MS = 200;
/** What numbers with fractions may be wrong by. */
const ROUNDING = 1e-3;

/** Audio that a connection was handed. */
export interface HandedAudio {
  readonly frame: number;
  readonly frames: number;
  /** Bytes that the connection was handed up to its end. */
  readonly endBytes: number;
  readonly replayed: boolean;
  /** When it was known, by the client's clock, to have left the socket; Infinity: never. */
  leftAtMs: number;
}

/** What a session has asked of one connection. */
export interface HandedConnection {
  /** Number of the connection in the network. */
  number: number;
  readonly audio: HandedAudio[];
  bytes: number;
  /** Chunks that have left. */
  left: number;
  /** By the client's clock; Infinity: it was not lost yet. */
  lostAtMs: number;
  /** The session gave it up by itself: what its socket held may still arrive. */
  wasGivenUp: boolean;
}

/** Watches what a session asks of its service: order, pace, ends of turns. */
export class WatchedService {
  readonly service: Service;
  readonly connections: HandedConnection[] = [];
  readonly #time: Clock;
  readonly #burstFrames: number;
  /** Ends of turns that were told to the session, and not sent yet: the frame before which they come. */
  readonly commits = new Set<number>();

  #watch: Watch | null = null;

  constructor(service: Service, time: Clock, chunkMs: number) {
    this.#time = time;
    this.#burstFrames = (Math.max(BURST_MS, chunkMs) * SAMPLE_RATE) / 1000;
    this.service = { ...service, connect: () => this.#connect(service) };
  }

  /** The client's clock is set forward, which looks like time that has passed. */
  forgive(): void {
    this.#watch?.forgive();
  }

  #connect(service: Service): ServiceConnection {
    const connection = service.connect();
    const handed: HandedConnection = {
      number: -1,
      audio: [],
      bytes: 0,
      left: 0,
      lostAtMs: Infinity,
      wasGivenUp: false,
    };
    this.connections.push(handed);
    const watch = (this.#watch = new Watch(this.#time, this.#burstFrames, service));
    return {
      encode: (request) => {
        watch.look(request);
        if (request.type === 'commit') this.#commit(request.frame, watch.end);
        const messages = connection.encode(request);
        for (const message of messages) handed.bytes += message.length;
        if (request.type === 'audio')
          this.#audio(handed, request.audio, request.replayed, messages);
        return messages;
      },
      decode: (message) => {
        const events = connection.decode(message);
        if (events.some(({ type }) => type === 'ready')) watch.isReady = true;
        return events;
      },
    };
  }

  #audio(
    handed: HandedConnection,
    { frame, frames }: UpAudio,
    replayed: boolean,
    messages: readonly WireMessage[],
  ): void {
    if (messages.length === 0) this.#time.fail('coherent actions', 'Audio makes no message.');
    const endBytes = handed.bytes;
    handed.audio.push({ frame, frames, endBytes, replayed, leftAtMs: Infinity });
  }

  #commit(frame: number, end: number): void {
    if (!this.commits.has(frame)) {
      this.#time.fail('commits', `A turn is said to end at ${frame}, which nobody has said.`);
    }
    if (end > frame) {
      this.#time.fail('commits', `The end of a turn at ${frame} goes out after frame ${end - 1}.`);
    }
  }
}

/** What one connection is asked, in order. */
class Watch {
  readonly #time: Clock;
  readonly #burstFrames: number;
  readonly #framesPerMs: number;
  isReady: boolean;
  /** The frame after the last one. */
  end = 0;
  #last: ServiceRequest['type'] | undefined;
  /** Frames that went out faster than in real time allows, so far: at most a burst. */
  #ahead = 0;
  #atMs = 0;

  constructor(time: Clock, burstFrames: number, { replaySpeed, readyOnOpen }: Service) {
    this.isReady = readyOnOpen;
    this.#time = time;
    this.#burstFrames = burstFrames;
    this.#framesPerMs = (SAMPLE_RATE * replaySpeed) / 1000;
  }

  forgive(): void {
    this.#ahead = 0;
  }

  look(request: ServiceRequest): void {
    const { type } = request;
    const fail = (what: string): never => this.#time.fail('coherent actions', what);
    if (this.#last === undefined && type !== 'open') fail(`${type} comes before open.`);
    if (this.#last !== undefined && type === 'open') fail('open comes twice.');
    if (this.#last === 'end') fail(`${type} comes after the end.`);
    if (!this.isReady && type !== 'open') fail(`${type} comes before the service is ready.`);
    this.#last = type;
    if (type === 'audio') this.#audio(request.audio);
  }

  #audio({ frame, frames }: UpAudio): void {
    const { now } = this.#time;
    if (frame < this.end) {
      this.#time.fail('exactly once', `Frame ${frame} goes out after ${this.end} on a connection.`);
    }
    this.end = frame + frames;
    this.#ahead = Math.max(0, this.#ahead - (now - this.#atMs) * this.#framesPerMs) + frames;
    this.#atMs = now;
    if (this.#ahead > this.#burstFrames + ROUNDING) {
      const ms = Math.round((this.#ahead / SAMPLE_RATE) * 1000);
      this.#time.fail('pacing', `${ms} ms of audio went out ahead of what the service takes.`);
    }
  }
}
