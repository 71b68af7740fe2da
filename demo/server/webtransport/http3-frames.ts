import { PacketError } from '../../../src/core/errors.ts';
import { integerBytes, tryReadInteger, writeInteger } from '../../../src/core/framing/integers.ts';
import { GrowingBytes } from '../../../src/core/webtransport/growing-bytes.ts';

/** Types of frames that are read (RFC 9114 §7.2). */
export const FRAME = { data: 0x00, headers: 0x01, settings: 0x04 } as const;
/** Begins a bidirectional stream of a session, in place of a frame (draft-ietf-webtrans-http3 §4.3). */
const WEBTRANSPORT_STREAM = 0x41;

/** Longest frame that is kept until it is complete; the content of longer frames of other types is skipped. */
const MAX_FRAME_BYTES = 2 ** 13;

/** What begins at the front of a request stream. */
export type Frame =
  | { readonly type: number; readonly content: Uint8Array }
  /** What follows on the stream belongs to the session of that stream; `rest` is the beginning of it. */
  | { readonly session: number; readonly rest: Uint8Array };

/** Cuts a stream into frames, or finds out that it belongs to a session. Keeps at most one frame. */
export class FrameReader {
  readonly #bytes = new GrowingBytes();
  /** Of a frame whose content is skipped. */
  #toSkip = 0;
  #isFirst = true;

  /**
   * @param bytes the next ones of the stream; they are copied
   * @returns the frames that are complete with them, without those of unknown types; after a `session` nothing more may be read
   * @throws PacketError and nothing else
   */
  read(bytes: Uint8Array): Frame[] {
    this.#bytes.add(bytes);
    const frames: Frame[] = [];
    for (;;) {
      const skipped = Math.min(this.#toSkip, this.#bytes.length);
      this.#bytes.skip(skipped);
      this.#toSkip -= skipped;
      if (this.#toSkip > 0) return frames;
      const { view } = this.#bytes;
      const type = tryReadInteger(view, 0);
      if (type === null) return frames;
      const length = tryReadInteger(view, type.end);
      if (length === null) return frames;
      if (type.value === WEBTRANSPORT_STREAM && this.#isFirst) {
        return [...frames, { session: length.value, rest: view.slice(length.end) }];
      }
      this.#isFirst = false;
      if (!isKnown(type.value)) {
        this.#bytes.skip(length.end);
        this.#toSkip = length.value;
        continue;
      }
      if (length.value > MAX_FRAME_BYTES) {
        throw new PacketError(
          'oversized',
          `A frame has at most ${MAX_FRAME_BYTES} bytes, got ${length.value}.`,
        );
      }
      const end = length.end + length.value;
      if (end > view.length) return frames;
      frames.push({ type: type.value, content: view.slice(length.end, end) });
      this.#bytes.skip(end);
    }
  }
}

/** Writes a frame, or a capsule, which has the same form (RFC 9297 §3.2). */
export function encodeFrame(type: number, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(integerBytes(type) + integerBytes(content.length) + content.length);
  const at = writeInteger(content.length, bytes, writeInteger(type, bytes, 0));
  bytes.set(content, at);
  return bytes;
}

/** Reads the identifiers and values of a SETTINGS frame (RFC 9114 §7.2.4). @throws PacketError and nothing else */
export function decodeSettings(content: Uint8Array): Map<number, number> {
  const settings = new Map<number, number>();
  for (let at = 0; at < content.length;) {
    const id = tryReadInteger(content, at);
    const value = id === null ? null : tryReadInteger(content, id.end);
    if (id === null || value === null) {
      throw new PacketError('truncated', 'A SETTINGS frame ends in a setting.');
    }
    if (settings.has(id.value)) {
      throw new PacketError('bad-field', 'A setting is there twice (RFC 9114 §7.2.4).');
    }
    settings.set(id.value, value.value);
    at = value.end;
  }
  return settings;
}

/** Writes a SETTINGS frame. */
export function encodeSettings(settings: ReadonlyMap<number, number>): Uint8Array {
  const content: number[] = [];
  for (const number of [...settings].flat()) {
    const bytes = new Uint8Array(integerBytes(number));
    writeInteger(number, bytes, 0);
    content.push(...bytes);
  }
  return encodeFrame(FRAME.settings, Uint8Array.from(content));
}

function isKnown(type: number): boolean {
  return type === FRAME.data || type === FRAME.headers || type === FRAME.settings;
}
