import { checkObject } from '../core/option-names.ts';
import type { ReceiveEvent, ReceivePort, ReceiverHandover } from '../core/messages.ts';
import { ReceiveFeed } from '../core/playout/receive-feed.ts';
import type { ReceivedPackets } from '../core/playout/receive-feed.ts';
import type { PayloadFormat } from '../core/codec/payload-format.ts';
import type { ReceiveFormat } from '../core/playout/receive-format.ts';

/** A page's `Receiver` as a Worker sees it: packets go straight to the audio thread. */
export class ReceiverPort implements ReceiveFormat {
  readonly format: PayloadFormat;
  readonly sampleRate: number;
  readonly channels: number;
  readonly #feed: ReceiveFeed;
  readonly #port: ReceivePort;

  /** @internal */
  constructor(handover: ReceiverHandover) {
    checkObject('handover must be what the page posted', handover, 'format');
    const { format, sampleRate, channels, port } = handover;
    this.format = format;
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.#port = port;
    this.#feed = new ReceiveFeed({
      ...handover,
      send: (delivery, transfer) => port.postMessage(delivery, transfer),
    });
    port.addEventListener('message', ({ data }) => {
      const event = data as ReceiveEvent;
      if (event.type === 'buffer') this.#feed.giveBack(event);
    });
    port.start();
  }

  /**
   * Takes packets: as `Receiver.insert`. They go nowhere once the receiver is closed.
   * @throws PacketError when one is not of the stream's format or too long; MicwireError `'closed'` after `close()`
   */
  insert(packets: ReceivedPackets): void {
    this.#feed.insert(packets);
  }

  /** Lets go of the receiver, which plays on. */
  close(): void {
    this.#feed.close();
    this.#port.close();
  }
}

/**
 * Takes a receiver that a page has sent with `receiver.pipeFrom(worker)`.
 *
 * @example
 * onmessage = (event) => {
 *   const receiver = openReceiverPort(event);
 *   if (receiver) transport.onmessage = (message) => receiver.insert(decoder.decode(message));
 * };
 *
 * @param event any `message` event of the Worker
 * @returns undefined for a message that is about something else
 */
export function openReceiverPort(event: { readonly data: unknown }): ReceiverPort | undefined {
  checkObject('openReceiverPort: event must be a MessageEvent', event, 'data');
  const { data } = event;
  if (typeof data !== 'object' || data === null) return undefined;
  const handover = data as Partial<ReceiverHandover>;
  if (handover.type !== 'micwire-receiver') return undefined;
  return new ReceiverPort(handover as ReceiverHandover);
}
