import { joinBytes } from '../../src/core/bytes.ts';
import { PcapngWriter } from '../../src/core/rtp/pcapng.ts';
import type { TransportAddress } from '../../src/core/webrtc/stun/transport-address.ts';
import { addressKey } from '../../src/core/webrtc/stun/transport-address.ts';

/** Longest file, in bytes: some 30 s of a call. It goes to the page as Base64 in one message. */
const MAX_FILE_BYTES = 2 ** 19;
/** A call has two ends, and two more after each restart of ICE. */
const MAX_WRITERS = 64;
/** The last port that a capture file takes. */
const LAST_PORT = 65_534;

/** Records what passes a splice as a capture file, from peer to peer as if nothing were in between, until it is full. */
export class PacketTape {
  readonly #writers = new Map<string, PcapngWriter>();
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** Takes a datagram that is delivered now. IPv6, and datagrams that do not fit, are left out. */
  add(datagram: Uint8Array, from: TransportAddress, to: TransportAddress): void {
    const canWrite = [from, to].every(
      ({ address, port }) => port <= LAST_PORT && !address.includes(':'),
    );
    if (!canWrite || this.#bytes + datagram.length > MAX_FILE_BYTES) return;
    const key = `${addressKey(from)} ${addressKey(to)}`;
    let writer = this.#writers.get(key);
    if (writer === undefined) {
      if (this.#writers.size >= MAX_WRITERS) return;
      writer = new PcapngWriter({ local: from, remote: to });
      this.#writers.set(key, writer);
    }
    const nowMs = performance.timeOrigin + performance.now();
    if (this.#pieces.length === 0) this.#keep(writer.header());
    this.#keep(writer.rtp(datagram, 'sent', nowMs));
  }

  /** The file so far, `x.pcapng`; empty before the first datagram. */
  get file(): Uint8Array {
    return joinBytes(this.#pieces);
  }

  #keep(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }
}
