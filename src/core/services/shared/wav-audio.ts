import { MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../../arguments.ts';
import { PacketError } from '../../errors.ts';
import { FORMATS, SAMPLE_FORMATS } from '../../format/formats.ts';
import type { SampleFormat } from '../../format/formats.ts';
import type { StreamFormat } from '../../format/stream-format.ts';

/** `WAVE_FORMAT_EXTENSIBLE`: the tag is at the start of the sub-format's GUID. */
const EXTENSIBLE = 0xfffe;
const RIFF_BYTES = 12;
const CHUNK_HEAD_BYTES = 8;
/** Bytes of the fields that every format chunk has. */
const FORMAT_BYTES = 16;
const EXTENSIBLE_BYTES = 26;

/** The audio of a WAV file that arrived as a message. */
export interface WavAudio {
  readonly stream: StreamFormat<SampleFormat>;
  /** Samples, a view into the file. */
  readonly bytes: Uint8Array;
}

/**
 * Reads a WAV file (Microsoft, RIFF). A data chunk that claims to be longer than the file ends with the file: programs that write a
 * stream do not know its length beforehand.
 * @throws PacketError for anything else, and for a format that this library does not have
 */
export function readWav(file: Uint8Array): WavAudio {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (!hasName(file, 0, 'RIFF') || !hasName(file, 8, 'WAVE')) {
    throw new PacketError('unknown-type', 'the audio must be a WAV file.');
  }
  let stream: StreamFormat<SampleFormat> | undefined;
  for (let at = RIFF_BYTES; at + CHUNK_HEAD_BYTES <= file.length;) {
    const begin = at + CHUNK_HEAD_BYTES;
    const size = Math.min(view.getUint32(at + 4, true), file.length - begin);
    if (hasName(file, at, 'fmt ')) stream = readFormat(view, begin, size);
    if (hasName(file, at, 'data')) {
      if (stream === undefined) throw new PacketError('truncated', 'the WAV file has no format.');
      return { stream, bytes: file.subarray(begin, begin + size) };
    }
    // Chunks begin at even offsets.
    at = begin + size + (size % 2);
  }
  throw new PacketError('truncated', 'the WAV file has no data.');
}

function readFormat(view: DataView, at: number, size: number): StreamFormat<SampleFormat> {
  if (size < FORMAT_BYTES) throw new PacketError('truncated', 'the format chunk is too short.');
  const tag = view.getUint16(at, true);
  const extended = tag === EXTENSIBLE && size >= EXTENSIBLE_BYTES;
  const wav = extended ? view.getUint16(at + 24, true) : tag;
  const channels = view.getUint16(at + 2, true);
  const sampleRate = view.getUint32(at + 4, true);
  const bytes = view.getUint16(at + 14, true) / 8;
  const format = SAMPLE_FORMATS.find((name) => {
    return FORMATS[name].wav === wav && FORMATS[name].bytes === bytes;
  });
  if (format === undefined) {
    throw new PacketError('unknown-type', `the WAV file has tag ${wav} with ${bytes} bytes.`);
  }
  if (channels < 1 || channels > MAX_CHANNELS) {
    throw new PacketError('bad-field', `the WAV file has ${channels} channels.`);
  }
  if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE) {
    throw new PacketError('bad-field', `the WAV file has ${sampleRate} Hz.`);
  }
  return { format, sampleRate, channels };
}

function hasName(file: Uint8Array, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (file[at + i] !== name.charCodeAt(i)) return false;
  return true;
}
