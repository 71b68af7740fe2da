import { decodeProtocol } from '../../src/core/session/protocol.ts';
import type { Tap } from './link-proxy.ts';

/** What came to the door of a server of micwire.1. */
export interface DoorCounts {
  /** Connections on which a `hello` came. */
  connections: number;
  /** Frames of audio. */
  frames: number;
  /** Of those, frames that had come before, on an earlier connection. */
  repeatedFrames: number;
  /** Of those, frames that the server had: by its own `welcome`, or earlier on the same connection. */
  duplicateFrames: number;
  /** Longest time without audio, once there was some. */
  longestSilenceMs: number;
}

/** Reads the WebSockets of all connections of one session between the link and its server. */
export class Door {
  readonly counts: DoorCounts = {
    connections: 0,
    frames: 0,
    repeatedFrames: 0,
    duplicateFrames: 0,
    longestSilenceMs: 0,
  };
  /** The session's name, once a `hello` has told it. */
  session = '';
  #end = 0;
  #lastMs = -1;

  /** A new connection. */
  connect(): Tap {
    let next = 0;
    const up = new MessageReader((message) => {
      const read = decodeProtocol(message);
      if (read.type === 'hello') {
        this.counts.connections++;
        this.session = read.session;
      } else if (read.type === 'audio') {
        const { frame, frames } = read.packet;
        this.#audio(frame, frames, next);
        next = Math.max(next, frame + frames);
      }
    });
    const down = new MessageReader((message) => {
      const read = decodeProtocol(message);
      if (read.type === 'welcome') next = Math.max(next, read.next);
    });
    return { up: (bytes) => up.read(bytes), down: (bytes) => down.read(bytes) };
  }

  #audio(frame: number, frames: number, next: number): void {
    const { counts } = this;
    counts.frames += frames;
    counts.repeatedFrames += Math.min(frames, Math.max(0, this.#end - frame));
    counts.duplicateFrames += Math.min(frames, Math.max(0, next - frame));
    this.#end = Math.max(this.#end, frame + frames);
    const nowMs = performance.now();
    if (this.#lastMs >= 0) {
      counts.longestSilenceMs = Math.max(counts.longestSilenceMs, nowMs - this.#lastMs);
    }
    this.#lastMs = nowMs;
  }
}

/** RFC 6455 §5.2. */
const OPCODE = { continuation: 0, binary: 2 } as const;

/** The binary messages of one direction of a WebSocket, without extensions. */
class MessageReader {
  readonly #tell: (message: Uint8Array) => void;
  #waiting = Buffer.alloc(0);
  #isOpen = false;
  #message: Buffer[] = [];

  constructor(tell: (message: Uint8Array) => void) {
    this.#tell = tell;
  }

  read(bytes: Buffer): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    if (!this.#isOpen) {
      const end = this.#waiting.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.#isOpen = true;
      this.#waiting = this.#waiting.subarray(end + 4);
    }
    while (this.#frame());
  }

  /** Takes a frame, if there is a whole one. */
  #frame(): boolean {
    const bytes = this.#waiting;
    if (bytes.length < 2) return false;
    const short = bytes[1]! & 0x7f;
    const isMasked = bytes[1]! >= 0x80;
    const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    const head = 2 + lengthBytes + (isMasked ? 4 : 0);
    if (bytes.length < head) return false;
    const length =
      lengthBytes === 8
        ? Number(bytes.readBigUInt64BE(2))
        : lengthBytes === 2
          ? bytes.readUInt16BE(2)
          : short;
    if (bytes.length < head + length) return false;
    const payload = Buffer.from(bytes.subarray(head, head + length));
    if (isMasked) for (let i = 0; i < length; i++) payload[i]! ^= bytes[head - 4 + (i % 4)]!;
    this.#waiting = bytes.subarray(head + length);
    const opcode = bytes[0]! & 0x0f;
    if (opcode !== OPCODE.binary && opcode !== OPCODE.continuation) return true;
    this.#message.push(payload);
    if (bytes[0]! >= 0x80) this.#tell(Buffer.concat(this.#message.splice(0)));
    return true;
  }
}
