import { readUint32, utf8Bytes, utf8Text, writeUint32 } from '../../../src/core/bytes.ts';
import { PacketError } from '../../../src/core/errors.ts';
import { tryReadInteger } from '../../../src/core/framing/integers.ts';
import { GrowingBytes } from '../../../src/core/webtransport/growing-bytes.ts';
import { encodeFrame } from './http3-frames.ts';

/** Ends a session with a code and a reason (draft-ietf-webtrans-http3 §6). */
const CLOSE_SESSION = 0x2843;
const CODE_BYTES = 4;
const MAX_REASON_BYTES = 1024;
/** Any other capsule is skipped, if it is no longer than this. */
const MAX_CAPSULE_BYTES = 2 ** 13;

/** How a peer ends a session. */
export interface SessionEnd {
  readonly code: number;
  readonly reason: string;
}

/** Reads the capsules of a session's CONNECT stream (RFC 9297 §3.2), which say when the peer ends it. */
export class CapsuleReader {
  readonly #bytes = new GrowingBytes();

  /**
   * @param bytes contents of the next DATA frame; they are copied
   * @returns null while the session has not been ended
   * @throws PacketError and nothing else
   */
  read(bytes: Uint8Array): SessionEnd | null {
    this.#bytes.add(bytes);
    for (;;) {
      const { view } = this.#bytes;
      const type = tryReadInteger(view, 0);
      const length = type === null ? null : tryReadInteger(view, type.end);
      if (type === null || length === null) return null;
      if (length.value > MAX_CAPSULE_BYTES) {
        throw new PacketError(
          'oversized',
          `A capsule has at most ${MAX_CAPSULE_BYTES} bytes, got ${length.value}.`,
        );
      }
      const end = length.end + length.value;
      if (end > view.length) return null;
      if (type.value === CLOSE_SESSION) return endOf(view.subarray(length.end, end));
      this.#bytes.skip(end);
    }
  }
}

/** Writes the capsule that ends a session. @param reason at most 1,024 bytes of it are sent */
export function encodeClose({ code, reason }: SessionEnd): Uint8Array {
  const text = utf8Bytes(reason).subarray(0, MAX_REASON_BYTES);
  const content = new Uint8Array(CODE_BYTES + text.length);
  writeUint32(code, content, 0);
  content.set(text, CODE_BYTES);
  return encodeFrame(CLOSE_SESSION, content);
}

function endOf(content: Uint8Array): SessionEnd {
  if (content.length < CODE_BYTES || content.length > CODE_BYTES + MAX_REASON_BYTES) {
    throw new PacketError(
      'bad-field',
      `A capsule that ends a session has ${CODE_BYTES} to ${CODE_BYTES + MAX_REASON_BYTES} bytes, got ${content.length}.`,
    );
  }
  return { code: readUint32(content, 0), reason: utf8Text(content.subarray(CODE_BYTES)) };
}
