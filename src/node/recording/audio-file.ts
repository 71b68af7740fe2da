import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { OPUS_RATE } from '../../core/codec/opus-packet.ts';
import { MicwireError } from '../../core/errors.ts';
import { FORMATS, SAMPLE_FORMATS } from '../../core/format/formats.ts';
import type { SampleFormat } from '../../core/format/formats.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';

/** An audio file that is open for reading. */
export interface AudioFile {
  readonly stream: StreamFormat;
  /** Opus: number of frames at the file's rate to leave out at the start. */
  readonly preSkip: number;
  /** Number of frames at the file's rate, without the pre-skip; undefined if not known beforehand. */
  readonly frames: number | undefined;
  /** Reads the samples in pieces of whole frames, or the packets one by one. */
  pieces(): AsyncGenerator<Uint8Array, void>;
  close(): Promise<void>;
}

/** Number of bytes read at a time. */
const BLOCK_BYTES = 2 ** 16;
/** Maximum length of the header before the samples. */
const MAX_HEAD_BYTES = 2 ** 20;

/**
 * Opens a WAV or RF64 file of samples, or an Ogg file of Opus.
 * @throws MicwireError `recording` when the file is neither, or cannot be read
 */
export async function openAudioFile(path: string): Promise<AudioFile> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    throw new MicwireError('recording', `${path} cannot be read: ${(cause as Error).message}.`, {
      cause,
    });
  }
  try {
    const begin = await readAt(file, 0, 4);
    const id = begin.toString('latin1');
    if (id === 'OggS') return await openOgg(path, file);
    if (id === 'RIFF' || id === 'RF64') return await openWav(path, file);
    throw notAudio(path, `it begins with ${JSON.stringify(id)}`);
  } catch (error) {
    await file.close();
    throw error;
  }
}

function notAudio(path: string, why: string): MicwireError {
  return new MicwireError(
    'recording',
    `${path} is neither a WAV file of samples nor an Ogg file of Opus: ${why}.`,
  );
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

async function openWav(path: string, file: FileHandle): Promise<AudioFile> {
  const { size } = await file.stat();
  let stream: StreamFormat<SampleFormat> | undefined;
  let ds64Bytes: number | undefined;
  for (let at = 12; at < Math.min(size, MAX_HEAD_BYTES);) {
    const head = await readAt(file, at, 8);
    if (head.length < 8) break;
    const id = head.toString('latin1', 0, 4);
    const length = head.readUInt32LE(4);
    const body = at + 8;
    if (id === 'ds64') ds64Bytes = Number((await readAt(file, body + 8, 8)).readBigUInt64LE());
    if (id === 'fmt ') stream = wavStream(path, await readAt(file, body, Math.min(length, 40)));
    if (id === 'data') {
      if (stream === undefined) throw notAudio(path, 'it has no format');
      // A file that was truncated, or is still being written, is read to its end.
      const told = length === 0xffff_ffff ? (ds64Bytes ?? Infinity) : length;
      const frameBytes = FORMATS[stream.format].bytes * stream.channels;
      const frames = Math.floor(Math.min(told, size - body) / frameBytes);
      return {
        stream,
        preSkip: 0,
        frames,
        async *pieces() {
          const block = Math.max(1, Math.floor(BLOCK_BYTES / frameBytes)) * frameBytes;
          const end = body + frames * frameBytes;
          for (let from = body; from < end; from += block) {
            yield await readAt(file, from, Math.min(block, end - from));
          }
        },
        close: () => file.close(),
      };
    }
    at = body + length + (length % 2);
  }
  throw notAudio(path, 'it has no samples');
}

function wavStream(path: string, fmt: Buffer): StreamFormat<SampleFormat> {
  if (fmt.length < 16) throw notAudio(path, 'its format is cut short');
  const tag = fmt.readUInt16LE(0);
  // The sub-format of an extensible format begins with the tag.
  const wav = tag === 0xfffe && fmt.length >= 26 ? fmt.readUInt16LE(24) : tag;
  const bits = fmt.readUInt16LE(14);
  const format = SAMPLE_FORMATS.find(
    (name) => FORMATS[name].wav === wav && FORMATS[name].bytes * 8 === bits,
  );
  if (format === undefined) throw notAudio(path, `it has samples of kind ${wav} and ${bits} bits`);
  return { format, channels: fmt.readUInt16LE(2), sampleRate: fmt.readUInt32LE(4) };
}

/** RFC 3533 §6. */
const PAGE_HEAD_BYTES = 27;
const MAX_PAGE_BYTES = PAGE_HEAD_BYTES + 255 + 255 * 255;
/** RFC 7845 §5.1, §5.2: packets before the audio. */
const HEAD_PACKETS = 2;

async function openOgg(path: string, file: FileHandle): Promise<AudioFile> {
  const { size } = await file.stat();
  const first = await oggPackets(file).next();
  const head = first.done === true ? undefined : Buffer.from(first.value);
  if (head?.toString('latin1', 0, 8) !== 'OpusHead' || head.length < 19) {
    throw notAudio(path, 'it has no OpusHead');
  }
  const end = await lastGranule(file, size);
  const preSkip = head.readUInt16LE(10);
  return {
    stream: { format: 'opus', sampleRate: OPUS_RATE, channels: head.readUInt8(9) },
    preSkip,
    frames: end === undefined ? undefined : Math.max(0, end - preSkip),
    async *pieces() {
      let count = 0;
      for await (const packet of oggPackets(file)) if (count++ >= HEAD_PACKETS) yield packet;
    },
    close: () => file.close(),
  };
}

/** Reads the packets of the only stream in an Ogg file. */
async function* oggPackets(file: FileHandle): AsyncGenerator<Uint8Array, void> {
  let parts: Buffer[] = [];
  for (let at = 0; ;) {
    const page = await readAt(file, at, MAX_PAGE_BYTES);
    if (page.length < PAGE_HEAD_BYTES || page.toString('latin1', 0, 4) !== 'OggS') return;
    const segments = page.subarray(PAGE_HEAD_BYTES, PAGE_HEAD_BYTES + page.readUInt8(26));
    let from = PAGE_HEAD_BYTES + segments.length;
    let length = 0;
    for (const segment of segments) {
      length += segment;
      if (segment === 255) continue;
      yield Buffer.concat([...parts, page.subarray(from, from + length)]);
      parts = [];
      from += length;
      length = 0;
    }
    if (length > 0) parts.push(Buffer.from(page.subarray(from, from + length)));
    at += from + length;
  }
}

/** Returns the granule position at the end of the file (RFC 7845 §4). */
async function lastGranule(file: FileHandle, size: number): Promise<number | undefined> {
  const from = Math.max(0, size - 2 * MAX_PAGE_BYTES);
  const tail = await readAt(file, from, size - from);
  for (let at = tail.length; ;) {
    at = at <= 0 ? -1 : tail.lastIndexOf('OggS', at - 1, 'latin1');
    if (at < 0) return undefined;
    if (at + PAGE_HEAD_BYTES > tail.length) continue;
    const granule = tail.readBigInt64LE(at + 6);
    if (granule >= 0n) return Number(granule);
  }
}
