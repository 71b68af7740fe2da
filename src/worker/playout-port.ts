import { MicwireError } from '../core/errors.ts';
import type { SampleFormat } from '../core/format/formats.ts';
import { bytesPerFrame } from '../core/format/stream-format.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import type {
  MessagePortLike,
  PlayoutCommand,
  PlayoutEvent,
  PlayoutHandover,
} from '../core/messages.ts';
import { checkObject, checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { BargeIn } from '../core/playout/barge-in.ts';
import { checkFade } from '../core/playout/fade-options.ts';
import type { FadeOptions } from '../core/playout/fade-options.ts';
import type { PacketReader } from '../core/playout/packet-reader.ts';
import type { PlayoutData } from '../core/playout/playout-data.ts';
import { markOf, positionAt } from '../core/playout/playout-position.ts';
import type {
  PlayoutInterruption,
  PlayoutMark,
  PlayoutPosition,
} from '../core/playout/playout-position.ts';
import { PlayoutWriter } from '../core/playout/playout-writer.ts';
import type { PlayoutMarkOptions, PlayoutWriteOptions } from '../core/playout/playout-writer.ts';
import { showLife } from './show-life.ts';

/** The account of a port that only writes. */
const NOTHING = { deliveredFrames: 0, droppedFrames: 0 };

/** Options of a {@link PlayoutPort}: its callbacks. The page's `Playout` dispatches the same news as events. */
export interface PlayoutPortOptions {
  /** Called when a mark was reached, set by the page or by this Worker. */
  readonly onmark?: (mark: PlayoutMark) => void;
  /** Called when the last frame of an item was heard. */
  readonly onended?: (position: PlayoutPosition) => void;
  /** Called when the page or this Worker has interrupted the playout. */
  readonly oninterrupted?: (interruption: PlayoutInterruption) => void;
  /** Called when the page's playout is closed or has failed: audio written from now on is dropped. */
  readonly onclosed?: () => void;
}
const NAMES = {
  onmark: 1,
  onended: 1,
  oninterrupted: 1,
  onclosed: 1,
} satisfies OptionNames<PlayoutPortOptions>;

/** A page's `Playout` as a Worker sees it: audio goes straight to the audio thread. */
export class PlayoutPort implements StreamFormat {
  readonly format: SampleFormat;
  readonly sampleRate: number;
  readonly channels: number;
  readonly #options: PlayoutPortOptions;
  readonly #contextRate: number;
  readonly #port: MessagePortLike;
  readonly #release: () => void;
  readonly #writer: PlayoutWriter;
  readonly #bargeIn: BargeIn;
  /** Number of unsent frames that were reported to the processor. */
  #toldDropped = 0;
  #toldLost = 0;
  /** True once the page's playout or this port is closed. */
  #ended = false;
  #released = false;
  #closing: Promise<void> | undefined;

  /** @internal */
  static make(
    handover: PlayoutHandover,
    options: PlayoutPortOptions,
    reader?: PacketReader,
  ): PlayoutPort {
    return new PlayoutPort(handover, options, reader);
  }

  /** @param reader decodes the written packets; undefined for PCM */
  private constructor(
    handover: PlayoutHandover,
    options: PlayoutPortOptions,
    reader: PacketReader | undefined,
  ) {
    checkObject('handover must be what the page posted', handover, 'format');
    checkOptions('openPlayoutPort', options, NAMES);
    const { format, sampleRate, channels, maxBufferMs, contextRate, port, control, lock } =
      handover;
    this.format = format;
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.#options = options;
    this.#contextRate = contextRate;
    this.#port = port;
    const send = (command: PlayoutCommand, transfer: ArrayBuffer[]): void => {
      port.postMessage(command, transfer);
    };
    this.#writer = new PlayoutWriter({
      format,
      sampleRate,
      channels,
      bytesPerFrame: bytesPerFrame({ format, sampleRate, channels }),
      maxBufferMs,
      reader,
      tellsNames: true,
      now: () => performance.now(),
      send,
      noRoom: (name, frames) => this.#account(name, frames),
    });
    this.#bargeIn = new BargeIn((command) => send(command, []), setTimer);
    port.addEventListener('message', ({ data }) => this.#hear(data as PlayoutEvent));
    port.start();
    this.#release = showLife(control, lock, { read: () => NOTHING, end: () => this.#end() });
  }

  /** Frames that `write` did not accept, because they did not fit or their item was interrupted. */
  get droppedFrames(): number {
    return this.#writer.feed.droppedFrames;
  }

  /**
   * Queues audio, as `Playout.write` does.
   * @param data the audio; the buffer remains the caller's
   * @returns the number of frames taken; 0 when the page's playout is closed
   * @throws PacketError `'bad-base64'` for text that is not Base64; TypeError for a typed array that does not match the format;
   *   MicwireError `'closed'` after `close()`
   */
  write(data: PlayoutData, options: PlayoutWriteOptions = {}): number {
    this.#checkOpen();
    if (this.#ended) return 0;
    const taken = this.#writer.write(data, options);
    this.#account(undefined, 0);
    return taken;
  }

  /** Declares the open item complete, as `Playout.end` does. @throws MicwireError `'closed'` after `close()` */
  end(item?: string): void {
    this.#checkOpen();
    if (!this.#ended) this.#writer.end(item);
  }

  /**
   * Marks a frame of an item, as `Playout.mark` does, in order with the calls of `write`.
   * @returns whether the mark was accepted: false for an interrupted item, while 1,024 marks are pending, and when the page's
   *   playout is closed
   * @throws TypeError or RangeError for an invalid argument; MicwireError `'closed'` after `close()`
   */
  mark(name: string, options: PlayoutMarkOptions = {}): boolean {
    this.#checkOpen();
    return !this.#ended && this.#writer.mark(name, options);
  }

  /**
   * Silences everything that was written, as `Playout.interrupt` does. While the context does not render, this takes a second
   * longer than the fade.
   * @returns the item and how far it was heard, to the frame
   * @throws TypeError or RangeError for an invalid option; MicwireError `'closed'`, also when the page closes the playout during
   *   the call; `'stalled'` when the audio thread does not answer
   */
  async interrupt(options: FadeOptions = {}): Promise<PlayoutInterruption> {
    const fadeMs = checkFade('playout.interrupt', options);
    this.#checkOpen();
    if (this.#ended) throw new MicwireError('closed', ENDED);
    const { interruption } = this.#bargeIn;
    if (interruption !== null) return interruption;
    return this.#bargeIn.interrupt(Math.round((fadeMs / 1000) * this.#contextRate), fadeMs);
  }

  /** Releases the playout, which plays the audio that it has. A second call returns the same promise. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#released = true;
    this.#end();
    this.#port.close();
    this.#release();
  }

  #hear(event: PlayoutEvent): void {
    const writer = this.#writer;
    const { items } = writer;
    switch (event.type) {
      case 'report':
        writer.report(event);
        break;
      case 'buffer':
        writer.feed.giveBack(event.buffer, event.received);
        break;
      case 'ended': {
        const { item, frames, missed, frame } = event;
        const position = this.#position(item, frames, missed, frame);
        items.ended(item);
        this.#options.onended?.(position);
        break;
      }
      case 'mark':
        this.#options.onmark?.(markOf(event, items));
        break;
      case 'interrupting':
        writer.interrupted(event.last, event.open);
        break;
      case 'late':
        writer.takeBack(event.command);
        this.#account(undefined, 0);
        break;
      case 'noted':
        writer.allBack();
        break;
      case 'interrupted': {
        const { item, itemFrames, itemMissed, frame } = event;
        const position = this.#position(item, itemFrames, itemMissed, frame);
        const interruption = { ...position, unheard: items.unheard(item) };
        this.#bargeIn.interrupted(interruption, event.taken);
        this.#options.oninterrupted?.(interruption);
        break;
      }
      case 'undone':
        writer.undone(event.done);
        this.#account(undefined, 0);
    }
  }

  #position(
    number: number,
    frames: number,
    skippedFrames: number,
    contextFrame: number,
  ): PlayoutPosition {
    const item = this.#writer.items.name(number);
    return positionAt({ item, frames, skippedFrames, contextFrame }, this.sampleRate);
  }

  /** Reports frames that were not sent to the page. */
  #account(name: string | undefined, noRoomFrames: number): void {
    const { droppedFrames, lostFrames } = this.#writer.feed;
    const isTold = droppedFrames === this.#toldDropped && lostFrames === this.#toldLost;
    if (isTold && noRoomFrames === 0) return;
    this.#toldDropped = droppedFrames;
    this.#toldLost = lostFrames;
    const command: PlayoutCommand = {
      type: 'account',
      droppedFrames,
      lostFrames,
      name,
      noRoomFrames,
    };
    this.#port.postMessage(command, []);
  }

  /** Handles the closing or the release of the playout. */
  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#writer.close();
    this.#bargeIn.close(new MicwireError('closed', ENDED));
    if (!this.#released) this.#options.onclosed?.();
  }

  #checkOpen(): void {
    if (this.#released) throw new MicwireError('closed', CLOSED);
  }
}

const CLOSED = 'The port is closed. The page has to hand over another playout.';
const ENDED = 'The page has closed the playout. It has to hand over another one.';

function setTimer(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/**
 * Takes a playout that a page has sent with `playout.pipeFromWorker(worker)`.
 *
 * @example
 * onmessage = (event) => {
 *   const playout = openPlayoutPort(event);
 *   if (playout) socket.onmessage = ({ data }) => playout.write(data);
 * };
 *
 * @param event any `message` event of the Worker
 * @returns the port; undefined for an unrelated message
 */
export function openPlayoutPort(
  event: { readonly data: unknown },
  options: PlayoutPortOptions = {},
): PlayoutPort | undefined {
  checkObject('openPlayoutPort: event must be a MessageEvent', event, 'data');
  const { data } = event;
  if (typeof data !== 'object' || data === null) return undefined;
  const handover = data as Partial<PlayoutHandover>;
  if (handover.type !== 'micwire-playout') return undefined;
  return PlayoutPort.make(handover as PlayoutHandover, options);
}
