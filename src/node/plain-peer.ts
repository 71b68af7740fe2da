import { PacketError } from '../core/errors.ts';
import { isSameStream } from '../core/format/stream-format.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import { base64JsonFraming } from '../core/framing/base64-json.ts';
import { binaryFraming } from '../core/framing/binary.ts';
import type { Packet } from '../core/framing/packet.ts';
import { ArrivalCursor } from '../core/session/arrival-cursor.ts';
import { CLOSING, closeReason } from '../core/session/protocol.ts';
import type { SessionRefusal } from '../core/session/server/session-host.ts';
import type { AcceptedStream } from './accepted-stream.ts';
import type { ConnectionPeer, StreamConnection } from './stream-connection.ts';

/** What a plain connection requires of its server. */
export interface PlainOwner {
  /** Called with the format in the first packet. @returns the stream, or why it is refused; never rejects */
  open(format: StreamFormat, frame: number): Promise<AcceptedStream | SessionRefusal>;
  closed(): void;
}

/** Maximum number of packets that arrive while the host is asked: a socket still delivers what it has already read. */
const MAX_EARLY_PACKETS = 4096;

/**
 * A client without a protocol: it sends packets of the binary framing or of Base64 in JSON, which describe themselves. They are not
 * acknowledged, and a lost connection ends the stream.
 */
export class PlainPeer implements ConnectionPeer {
  readonly #connection: StreamConnection;
  readonly #owner: PlainOwner;
  readonly #decoders = {
    bytes: binaryFraming.createDecoder(),
    text: base64JsonFraming.createDecoder(),
  };
  #format: StreamFormat | null = null;
  #cursor: ArrivalCursor | null = null;
  #stream: AcceptedStream | null = null;
  /** Null as soon as the host has answered. */
  #early: Packet[] | null = [];
  #heardMs: number;

  constructor(connection: StreamConnection, owner: PlainOwner, nowMs: number) {
    this.#connection = connection;
    this.#owner = owner;
    this.#heardMs = nowMs;
  }

  /** When the last message arrived. */
  get heardMs(): number {
    return this.#heardMs;
  }

  get hasStream(): boolean {
    return this.#stream !== null;
  }

  receive(message: string | Uint8Array, nowMs: number): void {
    this.#heardMs = nowMs;
    if (!this.#connection.isOpen) return;
    try {
      const decoder = typeof message === 'string' ? this.#decoders.text : this.#decoders.bytes;
      for (const packet of decoder.decode(message)) this.#packet(packet);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      // It is the client's fault, so the client is informed.
      this.#connection.close(CLOSING.badMessage, closeReason(error.message));
    }
  }

  closed(): void {
    this.#owner.closed();
  }

  /** Such a client has no message for this. */
  keepAlive(): void {}

  #packet(packet: Packet): void {
    if (this.#format === null) this.#open(packet);
    else if (!isSameStream(packet, this.#format)) {
      throw new PacketError('bad-field', 'A packet must be of the same stream as the first.');
    }
    if (this.#stream !== null) this.#deliver(this.#stream, packet);
    else if (this.#early !== null && this.#early.length < MAX_EARLY_PACKETS) {
      this.#early.push({ ...packet, payload: Uint8Array.from(packet.payload) });
    } else throw new PacketError('oversized', 'The client sends too much before its answer.');
  }

  #open({ format, sampleRate, channels, frame }: Packet): void {
    this.#format = { format, sampleRate, channels };
    this.#cursor = new ArrivalCursor(this.#format, frame);
    this.#connection.ask(true);
    void this.#owner.open(this.#format, frame).then((answer) => {
      const early = this.#early!;
      this.#early = null;
      if ('code' in answer) {
        this.#connection.close(answer.code, answer.reason);
        return;
      }
      this.#stream = answer;
      for (const packet of early) this.#deliver(answer, packet);
      this.#connection.ask(false);
      this.#connection.look();
    });
  }

  #deliver(stream: AcceptedStream, { frame, frames, payload }: Packet): void {
    const cursor = this.#cursor!;
    const before = cursor.duplicates;
    const arrival = cursor.look(frame, frames, payload);
    stream.repeated(cursor.duplicates - before);
    if (arrival === null) return;
    cursor.advance(arrival.frame + arrival.frames);
    stream.push(arrival.frame, arrival.frames, arrival.bytes, arrival.missing);
  }
}
