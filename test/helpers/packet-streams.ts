import { OPUS_RATE, opusPacketFrames } from '../../src/core/codec/opus-packet.ts';
import type { Framing } from '../../src/core/framing/framing.ts';
import type { StreamFormat } from '../../src/core/format/stream-format.ts';
import type { Packet } from '../../src/core/framing/packet.ts';
import { bytesPerSample } from '../../src/core/format/formats.ts';

const OPUS_RATES = [8000, 12_000, 16_000, 24_000, 48_000];
/** One Opus frame of 10, 20, 40 and 60 ms of SILK, then 2.5, 5, 10 and 20 ms of CELT (RFC 6716 table 2). */
const OPUS_CONFIGS = [8, 9, 10, 11, 28, 29, 30, 31];

/** A stream that a framing says it can carry. */
export function randomStream(framing: Framing, random: () => number): StreamFormat {
  const format = pick(framing.formats, random);
  if (format === 'opus') {
    return { format, sampleRate: pick(OPUS_RATES, random), channels: 1 + integer(2, random) };
  }
  return {
    format,
    sampleRate: random() < 0.5 ? pick(OPUS_RATES, random) : 3000 + integer(765_001, random),
    channels: 1 + integer(random() < 0.5 ? 2 : 32, random),
  };
}

/** Packets as a capture makes them, from the first; now and then frames were lost before one. */
export function randomPackets(
  stream: StreamFormat,
  count: number,
  random: () => number,
  dropRatio = 0.1,
): Packet[] {
  let frame = 0;
  return Array.from({ length: count }, (_, sequence) => {
    const { payload, frames } = randomPayload(stream, random);
    const dropped = sequence > 0 && random() < dropRatio ? integer(5000, random) : 0;
    frame += dropped;
    const timestamp = Math.round((frame / stream.sampleRate) * 1e6);
    const packet = { ...stream, sequence, frame, frames, timestamp, dropped, payload };
    frame += frames;
    return packet;
  });
}

function randomPayload(
  { format, sampleRate, channels }: StreamFormat,
  random: () => number,
): { payload: Uint8Array; frames: number } {
  if (format !== 'opus') {
    const frames = integer(40, random);
    return { payload: noise(frames * channels * bytesPerSample(format), random), frames };
  }
  const payload = noise(1 + integer(200, random), random);
  payload[0] = (pick(OPUS_CONFIGS, random) << 3) | ((channels - 1) << 2);
  return { payload, frames: (opusPacketFrames(payload) * sampleRate) / OPUS_RATE };
}

/** Random bytes. */
export function noise(length: number, random: () => number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random() * 256;
  return bytes;
}

/** A whole number below `limit`. */
export function integer(limit: number, random: () => number): number {
  return Math.floor(random() * limit);
}

export function pick<T>(values: readonly T[], random: () => number): T {
  return values[integer(values.length, random)]!;
}
