import { PcapngWriter } from 'micwire/rtp';
import type { StreamFormat } from 'micwire';

/** A minute of packets of 10 ms. */
const CAPACITY = 6000;

interface Arrived {
  readonly message: Uint8Array;
  /** ms since 1970. */
  readonly timeMs: number;
}

/** Keeps the RTP packets that arrived in the last minute or two, for a capture file. */
export class PacketLog {
  readonly #arrived: Arrived[] = [];
  #next = 0;

  /** @param message kept as it is */
  add(message: Uint8Array): void {
    const timeMs = performance.timeOrigin + performance.now();
    this.#arrived[this.#next++ % CAPACITY] = { message, timeMs };
  }

  /** A file that Wireshark opens as RTP with its payload, packets as they arrived. Null before the first. */
  file(stream: StreamFormat): Uint8Array<ArrayBuffer> | null {
    const arrived = this.#arrived;
    if (arrived.length === 0) return null;
    const oldest = arrived.length < CAPACITY ? 0 : this.#next % CAPACITY;
    const inOrder = [...arrived.slice(oldest), ...arrived.slice(0, oldest)];
    const writer = new PcapngWriter();
    const pieces = [writer.begin(stream, inOrder[0]!.timeMs)];
    for (const { message, timeMs } of inOrder) pieces.push(writer.rtp(message, 'received', timeMs));
    const file = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      file.set(piece, at);
      at += piece.length;
    }
    return file;
  }
}
