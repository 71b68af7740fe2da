import { expect, test } from 'vitest';
import type { ChunkSink, ChunkSlot } from '../src/core/capture/chunk-sinks.ts';
import { CapturePipeline } from '../src/core/capture/capture-pipeline.ts';
import { PresenceGate } from '../src/core/capture/presence-gate.ts';
import { MISSING, PAUSED, PRESENT } from '../src/core/microphone/presence.ts';
import { HEADER, HEADER_BYTES, slotIn } from '../src/core/capture/chunk.ts';
import { OpusChunkWriter } from '../src/core/capture/opus-chunk-writer.ts';
import type { PayloadEncoder } from '../src/core/codec/codec.ts';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { opusLibrary } from './helpers/opus.ts';

const PACKET_FRAMES = 10;
const MOST_BYTES = 64;

/** One chunk that was sent. */
interface Sent {
  readonly sequence: number;
  readonly frame: number;
  readonly frames: number;
  readonly contextTime: number;
  readonly dropped: number;
  readonly bytes: readonly number[];
}

/** Takes chunks apart as they come; has no slot while `full`. */
class ListSink implements ChunkSink {
  full = false;
  readonly sent: Sent[] = [];
  readonly #slot: ChunkSlot;

  constructor(payloadBytes = 4 * MOST_BYTES) {
    this.#slot = slotIn(new ArrayBuffer(HEADER_BYTES + payloadBytes), 0, payloadBytes);
  }

  acquire(): ChunkSlot | undefined {
    return this.full ? undefined : this.#slot;
  }

  commit(): void {
    const { header, bytes } = this.#slot;
    this.sent.push({
      sequence: header[HEADER.sequence]!,
      frame: header[HEADER.frame]!,
      frames: header[HEADER.frames]!,
      contextTime: header[HEADER.contextTime]!,
      dropped: header[HEADER.dropped]!,
      bytes: [...bytes.subarray(0, header[HEADER.byteLength])],
    });
  }

  end(): void {}
}

/** "Encodes" samples, which are whole numbers, as bytes: a packet tells what it was made of. */
function plainEncoder(latencyFrames = 4, channels = 1): PayloadEncoder & { closed: number } {
  return {
    format: 'opus',
    sampleRate: 1000,
    channels,
    packetFrames: PACKET_FRAMES,
    latencyFrames,
    closed: 0,
    maxBytes: () => MOST_BYTES,
    encode(input, from, frames, target, byteOffset) {
      let at = byteOffset;
      for (let i = 0; i < frames; i++) {
        for (let c = 0; c < channels; c++) target[at++] = input[c]![from + i]!;
      }
      return at - byteOffset;
    },
    reset: () => {},
    close() {
      this.closed++;
    },
  };
}

function open(encoder = plainEncoder(), encoding: 'binary' | 'base64' = 'binary') {
  const sink = new ListSink();
  const writer = new OpusChunkWriter({ encoder, encoding, sink });
  let next = 1;
  /** Writes the next whole numbers. */
  const write = (frames: number): void => {
    writer.write([Float32Array.from({ length: frames }, () => next++ % 200)], frames);
  };
  return { sink, writer, write };
}

/** `from` … `from + count`. */
function numbers(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

test('OpusChunkWriter gathers writes of any length into packets with their frame, time and sequence', () => {
  const { sink, writer, write } = open();
  writer.beginRun(5);
  for (const frames of [3, 6, 15, 0, 9]) write(frames);
  expect(sink.sent).toEqual([
    { sequence: 0, frame: 0, frames: 10, contextTime: 5, dropped: 0, bytes: numbers(1, 10) },
    { sequence: 1, frame: 10, frames: 10, contextTime: 5.01, dropped: 0, bytes: numbers(11, 10) },
    { sequence: 2, frame: 20, frames: 10, contextTime: 5.02, dropped: 0, bytes: numbers(21, 10) },
  ]);
  expect([writer.frame, writer.delivered, writer.dropped]).toEqual([33, 30, 0]);
});

test('OpusChunkWriter interleaves nothing itself: each channel is passed to the encoder unchanged', () => {
  const sink = new ListSink();
  const writer = new OpusChunkWriter({ encoder: plainEncoder(0, 2), encoding: 'binary', sink });
  writer.write([Float32Array.from(numbers(1, 12)), Float32Array.from(numbers(101, 12))], 12);
  expect(sink.sent[0]!.bytes.filter((_, i) => i % 2 === 0)).toEqual(numbers(1, 10));
  expect(sink.sent[0]!.bytes.filter((_, i) => i % 2 === 1)).toEqual(numbers(101, 10));
});

test.each([
  // Frames in the last packet, the encoder's look-ahead, packets of silence that must follow.
  [3, 4, 0],
  [6, 4, 0],
  [7, 4, 1],
  [10, 4, 1],
  [10, 0, 0],
  [10, 10, 1],
  [10, 11, 2],
  [1, 25, 2],
])(
  'OpusChunkWriter fills a last packet of %i frames with silence, and sends as many more as a look-ahead of %i frames needs',
  (frames, latencyFrames, more) => {
    const { sink, writer, write } = open(plainEncoder(latencyFrames));
    writer.beginRun(2);
    write(frames);
    writer.finishChunk();
    const silence = new Array<number>(PACKET_FRAMES - frames).fill(0);
    expect(sink.sent[0]).toMatchObject({ frames, bytes: [...numbers(1, frames), ...silence] });
    const rest = sink.sent.slice(1);
    expect(rest.length).toBe(more);
    for (const packet of rest) {
      expect(packet).toMatchObject({
        frame: frames,
        frames: 0,
        dropped: 0,
        bytes: new Array(10).fill(0),
      });
      expect(packet.contextTime).toBeCloseTo(2 + frames / 1000, 9);
    }
    expect([writer.frame, writer.delivered]).toEqual([frames, frames]);
    // Nothing is held any more.
    writer.finishChunk();
    expect(sink.sent.length).toBe(1 + more);
  },
);

test('OpusChunkWriter sends nothing at the end of an empty stream', () => {
  const { sink, writer } = open();
  writer.finishChunk();
  expect(sink.sent).toEqual([]);
});

test('OpusChunkWriter drops packets without a slot, and the next one counts their frames', () => {
  const { sink, writer, write } = open();
  write(10);
  sink.full = true;
  write(25);
  sink.full = false;
  write(5);
  expect(sink.sent.map(({ sequence, frame, dropped }) => [sequence, frame, dropped])).toEqual([
    [0, 0, 0],
    [1, 30, 20],
  ]);
  write(10);
  expect(sink.sent[2]).toMatchObject({ frame: 40, dropped: 0 });
  expect([writer.frame, writer.delivered, writer.dropped]).toEqual([50, 30, 20]);
});

test('OpusChunkWriter counts missing frames as dropped, and a new run has a time of its own', () => {
  const { sink, writer, write } = open();
  writer.beginRun(0);
  write(10);
  writer.finishChunk();
  writer.skip(7);
  writer.skip(0);
  writer.skip(-3);
  writer.beginRun(60);
  write(20);
  expect([writer.frame, writer.delivered, writer.dropped]).toEqual([37, 30, 7]);
  expect(sink.sent.slice(-2)).toMatchObject([
    { frame: 17, frames: 10, dropped: 7, contextTime: 60 },
    { frame: 27, frames: 10, dropped: 0, contextTime: 60.01 },
  ]);
});

test('OpusChunkWriter forgets an unfinished first packet, but no packet that was sent or dropped', () => {
  const { sink, writer, write } = open();
  write(4);
  expect(writer.restart()).toBe(true);
  expect(writer.frame).toBe(0);
  writer.finishChunk();
  expect(sink.sent).toEqual([]);
  write(10);
  expect(sink.sent).toMatchObject([{ frame: 0, bytes: numbers(5, 10) }]);
  expect(writer.restart()).toBe(false);
  expect(writer.frame).toBe(10);

  const other = open();
  other.sink.full = true;
  other.write(10);
  expect(other.writer.restart()).toBe(false);
  expect([other.writer.frame, other.writer.dropped]).toEqual([10, 10]);
});

test('OpusChunkWriter writes Base64 of each packet by itself', () => {
  const { sink, write } = open(plainEncoder(), 'base64');
  write(20);
  const texts = sink.sent.map(({ bytes }) => String.fromCharCode(...bytes));
  expect(texts.map((text) => [...Buffer.from(text, 'base64')])).toEqual([
    numbers(1, 10),
    numbers(11, 10),
  ]);
  expect(texts.every((text) => text.length === 16 && text.endsWith('=='))).toBe(true);
});

test('OpusChunkWriter closes its encoder', () => {
  const encoder = plainEncoder();
  open(encoder).writer.close();
  expect(encoder.closed).toBe(1);
});

test('packets of OpusChunkWriter decode to the audio, its end included, once the pre-skip is left out', async () => {
  const library = await opusLibrary();
  const sampleRate = 48_000;
  const encoder = new OpusEncoder(library, {
    sampleRate,
    channels: 1,
    bitrate: 96_000,
    application: 'audio',
  });
  const sink = new ListSink(encoder.maxBytes());
  const writer = new OpusChunkWriter({ encoder, encoding: 'binary', sink });
  // Ends within a packet, in such a place that its look-ahead needs one more.
  const frames = 12 * encoder.packetFrames - 100;
  const tone = Float32Array.from(
    { length: frames },
    (_, i) => 0.5 * Math.sin((2 * Math.PI * 440 * i) / sampleRate),
  );
  for (let at = 0; at < frames; at += 128)
    writer.write([tone.subarray(at, at + 128)], Math.min(128, frames - at));
  writer.finishChunk();
  expect(sink.sent.map((packet) => packet.frames)).toEqual([
    ...new Array<number>(11).fill(960),
    860,
    0,
  ]);
  const decoder = new OpusDecoder(library, {
    sampleRate,
    channels: 1,
    preSkip: encoder.latencyFrames,
  });
  const output = [new Float32Array(14 * encoder.packetFrames)];
  let decoded = 0;
  for (const { bytes } of sink.sent) {
    const packet = Uint8Array.from(bytes);
    decoded += decoder.decode(packet, 0, packet.length, output, decoded);
  }
  expect(decoded).toBeGreaterThanOrEqual(frames);
  let error = 0;
  let power = 0;
  for (let i = frames - 2000; i < frames - 20; i++) {
    error += (output[0]![i]! - tone[i]!) ** 2;
    power += tone[i]! ** 2;
  }
  expect(error / power).toBeLessThan(0.05);
  decoder.close();
  writer.close();
});

test.each([false, true])(
  'missing microphone audio is counted, and pauses of push-to-talk end a packet unless it is held (%s)',
  (holdPauses) => {
    const { sink, writer } = open(plainEncoder(0));
    const pipeline = new CapturePipeline({
      channels: 1,
      inputRate: 1000,
      resampler: null,
      writer,
    });
    const gate = new PresenceGate(pipeline, { channels: 1, preRollFrames: 6, holdPauses });
    let frame = 0;
    const quanta = (count: number, presence: number): void => {
      for (let i = 0; i < count; i++, frame += 4) {
        gate.process([Float32Array.from(numbers(frame + 1, 4))], 4, frame, presence);
      }
    };
    quanta(3, PRESENT);
    quanta(5, MISSING);
    quanta(2, PRESENT);
    quanta(5, PAUSED);
    quanta(1, PRESENT);
    gate.settle();
    pipeline.flush();
    const sent = sink.sent.map(({ frame: first, frames, dropped, contextTime, bytes }) => {
      const heard = bytes.filter((byte) => byte !== 0);
      return [first, frames, dropped, Math.round(contextTime * 1000), heard[0], heard.at(-1)];
    });
    const before = [
      [0, 10, 0, 0, 1, 10],
      [10, 2, 0, 10, 11, 12],
    ];
    const after = holdPauses
      ? [
          [32, 10, 20, 32, 33, 56],
          [42, 8, 0, 56, 57, 64],
        ]
      : [
          [32, 8, 20, 32, 33, 40],
          [40, 10, 0, 54, 55, 64],
        ];
    expect(sent).toEqual([...before, ...after]);
    expect(pipeline.captured).toBe(50);
  },
);
