import type { Socket } from 'node:net';
import { integerIn, numberIn } from '../core/arguments.ts';
import { deferred } from '../core/deferred.ts';
import { MicwireError, PacketError } from '../core/errors.ts';
import { checkBytes, checkObject, checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import {
  AUDIOSOCKET,
  AUDIOSOCKET_RATES,
  audiosocketAudio,
  audiosocketDigit,
  audiosocketHangup,
  audiosocketRate,
  audiosocketUuid,
  nextAudiosocketMessage,
} from '../core/services/shared/audiosocket-messages.ts';
import type { AudiosocketMessage } from '../core/services/shared/audiosocket-messages.ts';
import { oneRate, wholeFrames } from '../core/services/shared/call.ts';
import { mono16 } from '../core/services/shared/service-base.ts';
import type { ByteQueue } from '../core/services/shared/tcp-messages.ts';
import { AcceptedStream } from './accepted-stream.ts';
import type { StreamEnding } from './accepted-stream.ts';
import { AudioPacer, PACKET_MS } from './audio-pacer.ts';
import { Deadline } from './deadline.ts';
import { TcpLink } from './tcp-link.ts';

/** Options of {@link serveAudioSocket}. */
export interface AudioSocketOptions {
  /**
   * Sample rate of the call in Hz, in both directions: that of the channel's codec. 8000 for the dialplan's application
   * AudioSocket(). An older Asterisk labels audio of every rate as 8 kHz: set the rate in that case.
   * @default the rate of the first audio; 8000 if there is no audio within half a second
   */
  readonly sampleRate?: number;
  /** Called for each key that the caller presses: `0` to `9`, `*`, `#`, `A` to `D`. */
  readonly digit?: (digit: string, call: AudioSocketCall) => void;
  /** Maximum length of audio that waits for the reader, in ms; beyond it Asterisk has to wait. @default 10000 */
  readonly queuedMs?: number;
  /** The same limit in bytes. @default 4194304 */
  readonly queuedBytes?: number;
  /** Maximum size of audio that waits to be played, in bytes; beyond it `play` accepts no more. @default 33554432 */
  readonly playBytes?: number;
  /** The connection is closed when no message has arrived for this time, in ms. @default 90000 */
  readonly idleMs?: number;
  /** The connection is closed when its UUID has not arrived within this time, in ms. @default 10000 */
  readonly helloMs?: number;
}

const OPTION_NAMES = {
  sampleRate: 1,
  digit: 1,
  queuedMs: 1,
  queuedBytes: 1,
  playBytes: 1,
  idleMs: 1,
  helloMs: 1,
} satisfies OptionNames<AudioSocketOptions>;

const MAX_MS = 2 ** 31 - 1;
const DEFAULT_RATE = 8000;
/** How long to wait for the first audio, to know the call's rate, in ms. */
const RATE_MS = 500;
/** Number of bad messages that a connection may send. */
const MAX_FAULTS = 64;
/** Number of keys that are kept for a call that has not begun. */
const MAX_EARLY_DIGITS = 64;

/*
 * Asterisk itself (apps/app_audiosocket.c, channels/chan_audiosocket.c) ends a call by closing the connection. Before kinds for
 * other rates were introduced, it sent kind 0x10 for every rate, and accepted no other kind.
 */

/** What a call requires of its connection. */
interface CallLine {
  hangup(): void;
  taken(): void;
  readonly pacer: AudioPacer;
  readonly error: PacketError | null;
  readonly ended: Promise<StreamEnding>;
}

/**
 * A call over AudioSocket: the caller's audio as an async iterable of chunks for one reader, mono, 16 bits little-endian. `id` is
 * the UUID of the call. It ends as `'bye'` when Asterisk hangs up, as `'lost'` when its connection is lost, and as `'closed'` when
 * this side hangs up. If Asterisk hangs up while audio is on its way to it, this looks like a lost connection too.
 */
export class AudioSocketCall extends AcceptedStream {
  readonly #line: CallLine;

  /** @internal */
  constructor(
    call: { readonly id: string; readonly sampleRate: number; readonly address: string },
    limits: { readonly queuedMs: number; readonly queuedBytes: number },
    line: CallLine,
  ) {
    const { id, address } = call;
    super(
      { id, address, format: mono16(call.sampleRate), session: null, frame: 0 },
      { acknowledgesReads: false, ...limits },
      { stored: () => {}, taken: () => line.taken(), close: () => line.hangup() },
    );
    this.#line = line;
  }

  /** Settles when the call has ended. Chunks may still wait to be read. */
  get ended(): Promise<StreamEnding> {
    return this.#line.ended;
  }

  /** What was wrong with the messages of an abandoned connection; null otherwise. */
  get error(): PacketError | null {
    return this.#line.error;
  }

  /** Number of frames that wait to be played. */
  get playingFrames(): number {
    return this.#line.pacer.queuedFrames;
  }

  /**
   * Queues samples to be played to the caller. They are sent at the pace at which they are heard, because Asterisk keeps no queue.
   * The bytes are copied.
   * @returns the number of frames sent, once the last one was; fewer after `stopPlaying` or the end of the call, 0 if the audio did
   *   not fit
   * @throws RangeError unless the bytes are whole frames
   */
  play(bytes: Uint8Array): Promise<number> {
    return this.#line.pacer.write(checkBytes('bytes', bytes));
  }

  /** Drops the audio that `play` has not sent yet, for example because the caller speaks. @returns the number of dropped frames */
  stopPlaying(): number {
    return this.#line.pacer.clear();
  }

  /** Hangs up; the same as `close`. Audio that has arrived can still be read. */
  hangup(): void {
    this.close();
  }
}

/**
 * Takes a connection of Asterisk's AudioSocket (the dialplan's `AudioSocket(uuid,host:port)`, or
 * `Dial(AudioSocket/host:port/uuid/c(slin16))`).
 * @param socket a socket from a server of `node:net`, before any data was read from it
 * @returns the call, as soon as its UUID and its rate are known
 * @throws TypeError or RangeError for an invalid option
 * @throws MicwireError `transport` when the connection ends before that, or does not speak AudioSocket
 */
export function serveAudioSocket(
  socket: Socket,
  options: AudioSocketOptions = {},
): Promise<AudioSocketCall> {
  checkObject('socket must be a Socket of node:net', socket, 'on', 'write', 'destroy');
  return new AudioSocketPeer(socket, settingsOf(options)).call;
}

type Settings = Required<Omit<AudioSocketOptions, 'sampleRate' | 'digit'>> & {
  readonly sampleRate: number | undefined;
  readonly digit: AudioSocketOptions['digit'] | undefined;
};

function settingsOf(options: AudioSocketOptions): Settings {
  checkOptions('serveAudioSocket', options, OPTION_NAMES);
  const { sampleRate, digit } = options;
  if (digit !== undefined && typeof digit !== 'function') {
    throw new TypeError('digit must be a function.');
  }
  const bytes = (name: string, value: number): number => integerIn(name, value, 1, 2 ** 40);
  return {
    sampleRate: sampleRate === undefined ? undefined : oneRate(sampleRate, AUDIOSOCKET_RATES),
    digit,
    queuedMs: numberIn('queuedMs', options.queuedMs ?? 10_000, 1, MAX_MS),
    queuedBytes: bytes('queuedBytes', options.queuedBytes ?? 2 ** 22),
    playBytes: bytes('playBytes', options.playBytes ?? 2 ** 25),
    idleMs: numberIn('idleMs', options.idleMs ?? 90_000, 1, MAX_MS),
    helloMs: numberIn('helloMs', options.helloMs ?? 10_000, 1, MAX_MS),
  };
}

/** Reads a connection, and carries its call. */
class AudioSocketPeer {
  readonly #settings: Settings;
  readonly #link: TcpLink;
  readonly #begun = deferred<AudioSocketCall>();
  readonly #ended = deferred<StreamEnding>();
  readonly #earlyDigits: string[] = [];
  #uuid = '';
  #call: AudioSocketCall | null = null;
  #pacer: AudioPacer | null = null;
  #error: PacketError | null = null;
  #faults = 0;
  #frame = 0;
  /** The rate that audio messages declare, in Hz. */
  #sentRate = DEFAULT_RATE;
  /** For the UUID, and then for the first audio. */
  readonly #deadline = new Deadline();

  constructor(socket: Socket, settings: Settings) {
    this.#settings = settings;
    this.#link = new TcpLink(socket, settings.idleMs);
    this.#deadline.set(settings.helloMs, () => this.#giveUp('It did not tell its UUID.'));
    this.#link.begin(this);
  }

  get call(): Promise<AudioSocketCall> {
    return this.#begun.promise;
  }

  get isFull(): boolean {
    return this.#call?.isFull ?? false;
  }

  get hasRoom(): boolean {
    return this.#call?.hasRoom ?? true;
  }

  receive(queue: ByteQueue): void {
    while (this.#link.isOpen) {
      const message = nextAudiosocketMessage(queue);
      if (message === null) return;
      try {
        this.#take(message);
      } catch (error) {
        if (!(error instanceof PacketError)) throw error;
        this.#faults++;
        // Without its first message, the connection speaks another protocol; without its audio messages, frames would be missing
        // without notice.
        const isAudio = audiosocketRate(message.kind) !== undefined;
        if (this.#uuid !== '' && !isAudio && this.#faults <= MAX_FAULTS) continue;
        this.#error = error;
        this.#giveUp(`It is not AudioSocket: ${error.message}`);
      }
    }
  }

  idle(): void {
    this.#giveUp('Nothing came for too long.');
  }

  closed(isOrderly: boolean): void {
    // Asterisk has no other signal for the end of a call.
    this.#over(isOrderly ? 'bye' : 'lost', 'The other side closed it before the call had begun.');
  }

  #take({ kind, payload }: AudiosocketMessage): void {
    const rate = audiosocketRate(kind);
    if (this.#uuid === '') {
      if (kind !== AUDIOSOCKET.uuid) {
        throw new PacketError('unknown-type', 'the first message must be the UUID of the call.');
      }
      this.#uuid = audiosocketUuid(payload);
      this.#deadline.clear();
      const { sampleRate } = this.#settings;
      if (sampleRate !== undefined) this.#begin(sampleRate);
      else this.#deadline.set(RATE_MS, () => this.#begin(DEFAULT_RATE));
    } else if (rate !== undefined) {
      this.#hear(rate, payload);
    } else if (kind === AUDIOSOCKET.dtmf) {
      const digit = audiosocketDigit(payload);
      if (this.#call !== null) this.#tell(digit, this.#call);
      else if (this.#earlyDigits.length < MAX_EARLY_DIGITS) this.#earlyDigits.push(digit);
    } else if (kind === AUDIOSOCKET.hangup) {
      // A caller who hangs up immediately has made a call, too.
      if (this.#call === null) this.#begin(this.#settings.sampleRate ?? DEFAULT_RATE);
      this.#over('bye', '');
      this.#link.end();
    } else if (kind !== AUDIOSOCKET.error) {
      throw new PacketError('unknown-type', `kind ${kind} is not known.`);
    }
  }

  #hear(rate: number, payload: Uint8Array<ArrayBuffer>): void {
    const call = this.#call ?? this.#begin(rate);
    const { sampleRate } = call.format;
    if (rate === DEFAULT_RATE && sampleRate === this.#settings.sampleRate) {
      // An Asterisk that knows only this kind hangs up when it receives another.
      this.#sentRate = DEFAULT_RATE;
    } else if (rate !== sampleRate) {
      throw new PacketError('bad-field', `audio at ${rate} Hz in a call of another rate.`);
    }
    const frames = wholeFrames(payload, call.format).length / 2;
    if (frames === 0) return;
    call.push(this.#frame, frames, payload, 0);
    this.#frame += frames;
  }

  #begin(sampleRate: number): AudioSocketCall {
    this.#deadline.clear();
    const { playBytes, queuedMs, queuedBytes } = this.#settings;
    this.#sentRate = sampleRate;
    const pacer = new AudioPacer({
      sampleRate,
      frameBytes: 2,
      packetFrames: Math.round((sampleRate * PACKET_MS) / 1000),
      maxBytes: playBytes,
      send: (bytes) => {
        if (!this.#link.isReady) return false;
        for (const message of audiosocketAudio(this.#sentRate, bytes))
          void this.#link.send(message);
        return true;
      },
    });
    const error = (): PacketError | null => this.#error;
    const line: CallLine = {
      hangup: () => {
        this.#over('closed', '');
        this.#link.end(audiosocketHangup());
      },
      taken: () => this.#link.look(),
      pacer,
      get error() {
        return error();
      },
      ended: this.#ended.promise,
    };
    const { address } = this.#link;
    const call = new AudioSocketCall(
      { id: this.#uuid, sampleRate, address },
      { queuedMs, queuedBytes },
      line,
    );
    call.connected();
    this.#call = call;
    this.#pacer = pacer;
    this.#begun.resolve(call);
    for (const digit of this.#earlyDigits.splice(0)) this.#tell(digit, call);
    return call;
  }

  /** Calls the app's function. An exception must end neither the process nor the call. */
  #tell(digit: string, call: AudioSocketCall): void {
    try {
      this.#settings.digit?.(digit, call);
    } catch (error) {
      console.error(`micwire: call ${call.id}:`, error);
    }
  }

  #giveUp(reason: string): void {
    this.#over('lost', reason);
    this.#link.destroy();
  }

  #over(ending: StreamEnding, reason: string): void {
    this.#deadline.clear();
    this.#pacer?.close();
    const text = `The connection from ${this.#link.address} had no call. ${reason}`;
    this.#begun.reject(new MicwireError('transport', text, { cause: this.#error }));
    if (this.#call === null || this.#call.ending !== null) return;
    this.#call.end(ending);
    this.#ended.resolve(ending);
  }
}
