import { checkObject, checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import type { ReceiveEvent, MessagePortLike, ReceiverHandover } from '../core/messages.ts';
import { ReceiveFeed } from '../core/receive/receive-feed.ts';
import type {
  ReceiveFraming,
  ReceivedMessage,
  ReceivedPackets,
} from '../core/receive/receive-feed.ts';
import { checkPipe } from '../core/pipe.ts';
import type { PipeOptions, PipeSource, ReceivePipeResult } from '../core/pipe.ts';
import type { PayloadFormat } from '../core/format/formats.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';

/** Options of a {@link ReceiverPort}. */
export interface ReceiverPortOptions {
  /** For `receive`: see `ReceiverOptions.framing`. */
  readonly framing?: ReceiveFraming | undefined;
}
const NAMES = { framing: 1 } satisfies OptionNames<ReceiverPortOptions>;

/** A page's `Receiver` as a Worker sees it: packets go straight to the audio thread. */
export class ReceiverPort implements StreamFormat {
  readonly format: PayloadFormat;
  readonly sampleRate: number;
  readonly channels: number;
  readonly #feed: ReceiveFeed;
  readonly #port: MessagePortLike;
  #closing: Promise<void> | undefined;

  /** @internal */
  static make(handover: ReceiverHandover, options: ReceiverPortOptions): ReceiverPort {
    return new ReceiverPort(handover, options);
  }

  private constructor(handover: ReceiverHandover, options: ReceiverPortOptions) {
    checkObject('handover must be what the page posted', handover, 'format');
    checkOptions('openReceiverPort', options, NAMES);
    const { format, sampleRate, channels, port } = handover;
    this.format = format;
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.#port = port;
    this.#feed = new ReceiveFeed({
      ...handover,
      framing: options.framing,
      send: (delivery, transfer) => port.postMessage(delivery, transfer),
    });
    port.addEventListener('message', ({ data }) => {
      const event = data as ReceiveEvent;
      if (event.type === 'buffer') this.#feed.giveBack(event);
    });
    port.start();
  }

  /**
   * Inserts packets, as `Receiver.insert` does. Has no effect when the receiver is closed.
   * @throws PacketError when a packet does not have the stream's format, rate or channel count; the other packets are still
   *   inserted; MicwireError `'closed'` after `close()`
   */
  insert(packets: ReceivedPackets): void {
    this.#feed.insert(packets);
  }

  /**
   * Decodes a message by the option `framing` and inserts its packets, as `Receiver.receive` does.
   * @returns whether the message was accepted
   * @throws TypeError without the option `framing`, or for a message that is neither text nor bytes
   */
  receive(message: ReceivedMessage): boolean {
    return this.#feed.receive(message);
  }

  /**
   * Plays every message of a transport until the transport is closed permanently, the receiver is closed or `signal` is aborted.
   * Data from the network never makes it throw: a message that cannot be read, or belongs to another stream, is counted.
   * @example
   * receiver.pipeFrom(transport, binaryFraming);
   * @param framing `binaryFraming`, `base64JsonFraming` or `rtpFraming`; to pass options to the framing,
   *   `{ createDecoder: (stream) => rtpFraming.createDecoder({ ...stream, payloadType: 96 }) }`
   * @returns statistics of what was received, when the pipe has ended
   * @throws TypeError or RangeError for an invalid argument, or a stream that the framing cannot carry
   */
  async pipeFrom(
    transport: PipeSource,
    framing: ReceiveFraming,
    options: PipeOptions = {},
  ): Promise<ReceivePipeResult> {
    checkPipe('receiver.pipeFrom', transport, framing, 'createDecoder', options);
    return this.#feed.pipe(transport, framing, options.signal);
  }

  /** Messages that `receive` could not read, or that belonged to another stream. */
  get badMessages(): number {
    return this.#feed.badMessages;
  }

  /** Packets that were not passed on, because the decoder would reject them. */
  get decodeErrors(): number {
    return this.#feed.decodeErrors;
  }

  /** Releases the receiver, which continues to play. A second call returns the same promise. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#feed.close();
    this.#port.close();
  }
}

/**
 * Takes a receiver that a page has sent with `receiver.pipeFromWorker(worker)`.
 *
 * @example
 * onmessage = (event) => {
 *   openReceiverPort(event)?.pipeFrom(WebSocketTransport.create('/audio'), binaryFraming);
 * };
 *
 * @param event any `message` event of the Worker
 * @returns the port; undefined for an unrelated message
 */
export function openReceiverPort(
  event: { readonly data: unknown },
  options: ReceiverPortOptions = {},
): ReceiverPort | undefined {
  checkObject('openReceiverPort: event must be a MessageEvent', event, 'data');
  const { data } = event;
  if (typeof data !== 'object' || data === null) return undefined;
  const handover = data as Partial<ReceiverHandover>;
  if (handover.type !== 'micwire-receiver') return undefined;
  return ReceiverPort.make(handover as ReceiverHandover, options);
}
