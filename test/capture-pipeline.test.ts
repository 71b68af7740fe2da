import { describe, expect, it } from 'vitest';
import { CapturePipeline } from '../src/core/capture/capture-pipeline.ts';
import { ChunkWriter } from '../src/core/capture/chunk-writer.ts';
import { CHUNK_ENCODINGS } from '../src/core/capture/chunk.ts';
import type { Chunk, ChunkEncoding } from '../src/core/capture/chunk.ts';
import { ChannelMixer } from '../src/core/dsp/channel-mixer.ts';
import { planResampler } from '../src/core/resampler/resampler-planner.ts';
import { resample } from '../src/core/resampler/resampler.ts';
import { SAMPLE_FORMATS } from '../src/core/format/formats.ts';
import { SampleEncoder } from '../src/core/format/sample-format.ts';
import type { SampleFormat } from '../src/core/format/formats.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import { CollectingSink, samplesOf } from './helpers/chunks.ts';
import { seededRandom } from './helpers/random.ts';
import { noise } from './helpers/signals.ts';
import { fitSine } from './helpers/sine-fit.ts';

interface Rig {
  readonly pipeline: CapturePipeline;
  readonly sink: CollectingSink;
}

/** A stream, and how it crosses the thread. */
interface CapturedFormat extends StreamFormat<SampleFormat> {
  readonly encoding: ChunkEncoding;
}

function rig(inputRate: number, captured: CapturedFormat, chunkDurationMs = 20): Rig {
  const { encoding, ...stream } = captured;
  const { channels, sampleRate } = stream;
  const sink = new CollectingSink({ stream, encoding }, chunkDurationMs);
  const writer = new ChunkWriter({ stream, encoding, chunkDurationMs, sink, dither: 'none' });
  const resampler =
    inputRate === sampleRate ? null : planResampler({ inputRate, outputRate: sampleRate });
  return { pipeline: new CapturePipeline({ channels, inputRate, resampler, writer }), sink };
}

const RAW: CapturedFormat = { sampleRate: 48000, channels: 1, format: 'f32', encoding: 'binary' };

function joined(chunks: readonly Chunk[], channel = 0): number[] {
  return chunks.flatMap((chunk) => [...samplesOf(chunk)[channel]!]);
}

/** Pseudo-random sizes of quanta, from 1 to beyond the slices that the pipeline works in. */
function quantumSize(random: () => number): number {
  return random() < 0.1 ? 1 + Math.floor(random() * 3000) : 1 + Math.floor(random() * 256);
}

describe('a capture of random quanta', () => {
  const random = seededRandom(31);
  const rates = [8000, 11025, 16000, 44100, 48000];
  const cases = Array.from({ length: 24 }, (_, i) => ({
    inputRate: rates[Math.floor(random() * rates.length)]!,
    format: {
      sampleRate: rates[Math.floor(random() * rates.length)]!,
      channels: 1 + Math.floor(random() * 3),
      format: SAMPLE_FORMATS[i % SAMPLE_FORMATS.length]!,
      encoding: CHUNK_ENCODINGS[i % CHUNK_ENCODINGS.length]!,
    },
    chunkDurationMs: [20, 2.5, 33.3, 7][i % 4]!,
    seed: i,
  }));

  // The ends of the range of rates.
  const extremes = [
    [3000, 768_000],
    [768_000, 3000],
    [44_100, 44_101],
  ] as const;
  for (const [inputRate, sampleRate] of extremes) {
    const format = { sampleRate, channels: 1, format: 's16', encoding: 'base64' } as const;
    cases.push({ inputRate, format, chunkDurationMs: 20, seed: inputRate });
  }

  it.each(cases)(
    'equals one of the whole input: $inputRate → $format.sampleRate Hz $format.format $format.encoding, $chunkDurationMs ms',
    (kase) => {
      const { inputRate, format, chunkDurationMs } = kase;
      const random = seededRandom(kase.seed);
      const frames = Math.floor(inputRate * 0.3);
      const { pipeline, sink } = rig(inputRate, format, chunkDurationMs);

      // The input has one to six channels in turn, and at times none.
      const mixer = new ChannelMixer({ outputChannels: format.channels });
      const mixed = Array.from({ length: format.channels }, () => new Float32Array(frames));
      for (let at = 0; at < frames;) {
        const count = Math.min(quantumSize(random), frames - at);
        const channels = Math.floor(random() * 7);
        const input = Array.from({ length: channels }, () => noise(random, count, 0.9));
        mixer.mix(input, 0, count, mixed, at);
        pipeline.process(input, count, 1000 + at);
        at += count;
      }
      pipeline.flush();

      const expected = resample(mixed, inputRate, format.sampleRate);
      const total = expected[0]!.length;
      const encoder = new SampleEncoder(format);
      const bytes = new Uint8Array(total * encoder.bytesPerFrame);
      encoder.encode(expected, 0, total, bytes, 0);

      expect(total).toBe(Math.round((frames * format.sampleRate) / inputRate));
      expect(pipeline.captured).toBe(total);
      const { chunks } = sink;
      expect(Buffer.compare(Buffer.concat(chunks.map((chunk) => chunk.bytes)), bytes)).toBe(0);
      const texts = chunks.map(({ base64 }) => Buffer.from(base64, 'base64'));
      expect(Buffer.compare(Buffer.concat(texts), bytes)).toBe(0);
      let frame = 0;
      chunks.forEach((chunk, sequence) => {
        expect(chunk.sequence).toBe(sequence);
        expect(chunk.frame).toBe(frame);
        expect(chunk.timestamp).toBe(Math.round((frame / format.sampleRate) * 1e6));
        expect(chunk.contextTime).toBeCloseTo(1000 / inputRate + frame / format.sampleRate, 9);
        frame += chunk.frames;
        const whole = (format.sampleRate * chunkDurationMs) / 1000;
        if (sequence < chunks.length - 1) {
          expect(frame).toBe(Math.floor((sequence + 1) * whole + 1e-9));
        }
      });
    },
  );
});

/** Hz. */
const TONE = 1000;

/** A tone whose phase is 0 at context time 0: what time a sample comes from can be heard in it. */
function tone(contextFrame: number, frames: number, rate: number): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) =>
    Math.cos((2 * Math.PI * TONE * (contextFrame + i)) / rate),
  );
}

/** Chunks split where time does not continue with frames: at pauses and gaps. */
function runsOf(chunks: readonly Chunk[]): Chunk[][] {
  const runs: Chunk[][] = [];
  for (const chunk of chunks) {
    const last = runs.at(-1)?.[0];
    const elapsed = last && (chunk.frame - last.frame) / chunk.sampleRate;
    const goesOn = last && Math.abs(last.contextTime + elapsed! - chunk.contextTime) < 1e-9;
    if (goesOn) runs.at(-1)!.push(chunk);
    else runs.push([chunk]);
  }
  return runs;
}

describe('an eventful capture', () => {
  it.each([
    [48000, 48000],
    [44100, 16000],
    [16000, 44100],
  ])('keeps its counts and its times: %i → %i Hz', (inputRate, sampleRate) => {
    const random = seededRandom(inputRate);
    for (let run = 0; run < 5; run++) {
      const { pipeline, sink } = rig(inputRate, { ...RAW, sampleRate });
      const edge = inputRate === sampleRate ? 0 : sampleRate / 100;
      let contextFrame = Math.floor(random() * 1000);
      /** Input frames of this run of capture, and of those before in wire frames. */
      let runOrigin = contextFrame;
      let before = 0;
      let paused = false;
      const check = (): void => {
        const delivered = sink.chunks.reduce((sum, { frames }) => sum + frames, 0);
        const pending = pipeline.captured - pipeline.delivered - pipeline.dropped;
        if (pipeline.delivered !== delivered) throw new Error('delivered is not what came');
        if (pending < 0 || pending > sampleRate * 0.02) throw new Error(`pending ${pending}`);
        if (paused && pending !== 0) throw new Error('a pause must leave nothing behind');
      };
      for (let step = 0; step < 400; step++) {
        const event = random();
        if (event < 0.01 && step > 2) {
          // The graph continues without us.
          contextFrame += 1 + Math.floor(random() * 3000);
        } else if (event < 0.02) {
          pipeline.flush();
          check();
          if (!paused) before = pipeline.captured;
          paused = true;
          contextFrame += Math.floor(random() * 5000);
          continue;
        } else if (event < 0.05) sink.free = !sink.free;
        if (paused) {
          paused = false;
          runOrigin = contextFrame;
        }
        const frames = quantumSize(random);
        pipeline.process([tone(contextFrame, frames, inputRate)], frames, contextFrame);
        contextFrame += frames;
        check();
      }
      sink.free = true;
      pipeline.flush();
      paused = true;
      check();
      // No pause and no gap takes or makes a frame: only the last gap and the end are rounded.
      const elapsed = (contextFrame - runOrigin) * (sampleRate / inputRate);
      if (pipeline.captured > before) {
        expect(Math.abs(pipeline.captured - before - elapsed)).toBeLessThanOrEqual(1);
      }
      let next = 0;
      let told = 0;
      for (const chunk of sink.chunks) {
        expect(chunk.frame).toBe(next + chunk.dropped);
        next = chunk.frame + chunk.frames;
        told += chunk.dropped;
      }
      for (const chunks of runsOf(sink.chunks)) {
        const { frame, contextTime } = chunks[0]!;
        const end = chunks.at(-1)!.frame + chunks.at(-1)!.frames;
        const heard: number[] = [];
        const times: number[] = [];
        for (const chunk of chunks) {
          const samples = samplesOf(chunk)[0]!;
          for (let i = 0; i < samples.length; i++) {
            const wire = chunk.frame + i;
            // Near the edges of a run the resampler sees the silence around it.
            if (wire < frame + edge || wire >= end - edge) continue;
            heard.push(samples[i]!);
            times.push(contextTime + (wire - frame) / sampleRate);
          }
        }
        if (heard.length < 100) continue;
        const fit = fitSine(heard, 0, heard.length, TONE, (i) => times[i]!);
        expect(Math.abs(fit.phase / (2 * Math.PI * TONE))).toBeLessThan(1e-7);
        expect(fit.residual).toBeLessThan(1e-5);
      }
      // What was dropped after the last chunk has no chunk to tell it.
      expect(pipeline.dropped - told).toBe(pipeline.captured - next);
      expect(pipeline.captured).toBe(pipeline.delivered + pipeline.dropped);
    }
  });

  it('drops while no slot is free, and reports it with the next chunk', () => {
    const { pipeline, sink } = rig(48000, RAW);
    const run = (quanta: number, from: number): void => {
      for (let q = from; q < from + quanta; q++) {
        pipeline.process([new Float32Array(96).fill(q)], 96, q * 96);
      }
    };
    run(15, 0);
    sink.free = false;
    run(10, 15);
    sink.free = true;
    run(20, 25);
    expect(sink.chunks.map(({ frame, frames, dropped }) => [frame, frames, dropped])).toEqual([
      [0, 960, 0],
      // It had its slot already.
      [960, 960, 0],
      [1920 + 480, 960, 480],
      [3360, 960, 0],
    ]);
    // Numbers have no gap, where frames have one.
    expect(sink.chunks.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3]);
    expect(pipeline.dropped).toBe(480);
    expect(joined(sink.chunks.slice(2))[0]).toBe(25);
  });

  it('counts quanta that were never rendered as captured and dropped', () => {
    const { pipeline, sink } = rig(48000, { ...RAW, sampleRate: 16000 });
    for (let at = 0; at < 4800; at += 96) pipeline.process([new Float32Array(96)], 96, at);
    for (let at = 9600; at < 14400; at += 96) pipeline.process([new Float32Array(96)], 96, at);
    pipeline.flush();
    expect(pipeline.captured).toBe(4800);
    expect(pipeline.dropped).toBe(1600);
    const short = sink.chunks.map(({ frame, frames, dropped, contextTime }) => [
      frame,
      frames,
      dropped,
      Number(contextTime.toFixed(9)),
    ]);
    expect(short).toEqual([
      [0, 320, 0, 0],
      [320, 320, 0, 0.02],
      [640, 320, 0, 0.04],
      [960, 320, 0, 0.06],
      [1280, 320, 0, 0.08],
      [3200, 320, 1600, 0.2],
      [3520, 320, 0, 0.22],
      [3840, 320, 0, 0.24],
      [4160, 320, 0, 0.26],
      [4480, 320, 0, 0.28],
    ]);
  });

  it('puts the audio after a gap at the frame nearest to its time', () => {
    for (let gap = 1; gap < 300; gap += 7) {
      const { pipeline, sink } = rig(48_000, { ...RAW, sampleRate: 11_025 });
      for (let at = 0; at < 9600; at += 96) pipeline.process([new Float32Array(96)], 96, at);
      const resumed = 9600 + 96 * 50 + gap;
      for (let i = 0; i < 50; i++) {
        pipeline.process([new Float32Array(96)], 96, resumed + i * 96);
      }
      pipeline.flush();
      const after = sink.chunks.find(({ dropped }) => dropped > 0)!;
      expect(after.frame).toBe(Math.round((resumed * 11_025) / 48_000));
    }
  });

  it('begins where rendering is continuous: it restarts after one quantum and a gap', () => {
    for (const encoding of CHUNK_ENCODINGS) {
      for (const sampleRate of [48000, 16000]) {
        const { pipeline, sink } = rig(48000, { ...RAW, sampleRate, encoding });
        pipeline.process([new Float32Array(128).fill(0.5)], 128, 896);
        for (let at = 1536; at < 1536 + 1280; at += 128) {
          pipeline.process([new Float32Array(128).fill(0.25)], 128, at);
        }
        pipeline.flush();
        expect(pipeline.dropped).toBe(0);
        expect(sink.chunks[0]!.sequence).toBe(0);
        expect(sink.chunks[0]!.frame).toBe(0);
        expect(sink.chunks[0]!.contextTime).toBe(1536 / 48000);
        expect(pipeline.captured).toBe(Math.round((1280 * sampleRate) / 48000));
        expect(joined(sink.chunks).every((sample) => sample < 0.4)).toBe(true);
      }
    }
  });

  it('does not restart once a chunk has left or frames were dropped: the gap is dropped', () => {
    for (const free of [true, false]) {
      const { pipeline, sink } = rig(48000, RAW);
      sink.free = free;
      pipeline.process([new Float32Array(1000)], 1000, 0);
      sink.free = true;
      pipeline.process([new Float32Array(960)], 960, 48_000);
      pipeline.flush();
      const dropped = 47_000 + (free ? 0 : 1000);
      expect(pipeline.captured).toBe(48_960);
      expect(pipeline.dropped).toBe(dropped);
      const first = sink.chunks.find(({ frame }) => frame === 48_000)!;
      expect([first.sequence, first.dropped, first.contextTime]).toEqual([
        free ? 2 : 0,
        dropped,
        1,
      ]);
    }
  });

  it('keeps the pattern of chunk lengths across missing audio, until more is missing', () => {
    // 10 ms are 220.5 frames.
    const { pipeline, sink } = rig(22_050, { ...RAW, sampleRate: 22_050 }, 10);
    let at = 0;
    const process = (quanta: number) => {
      for (const end = at + quanta * 63; at < end; at += 63) {
        pipeline.process([new Float32Array(63)], 63, at);
      }
    };
    process(7);
    for (let i = 0; i < 3; i++, at += 63) pipeline.miss(at, 63);
    process(14);
    pipeline.flush();
    expect(sink.chunks.map(({ frame, frames, dropped }) => [frame, frames, dropped])).toEqual([
      [0, 220, 0],
      [220, 221, 0],
      [630, 220, 189],
      [850, 221, 0],
      [1071, 220, 0],
      [1291, 221, 0],
    ]);
    sink.chunks.slice(2).forEach(({ contextTime, frame }) => {
      expect(contextTime).toBeCloseTo(frame / 22_050, 12);
    });
  });

  it('captures nothing if it is paused before the first quantum', () => {
    const { pipeline, sink } = rig(48000, { ...RAW, sampleRate: 16000 });
    pipeline.flush();
    expect([pipeline.captured, sink.chunks.length]).toEqual([0, 0]);
  });

  it('flushes everything at a pause, and continues without a gap in its count', () => {
    const { pipeline, sink } = rig(48000, { ...RAW, sampleRate: 16000, encoding: 'base64' });
    pipeline.process([new Float32Array(1000)], 1000, 0);
    pipeline.flush();
    pipeline.flush();
    expect(sink.chunks.map(({ frames }) => frames)).toEqual([320, 13]);
    pipeline.process([new Float32Array(960)], 960, 48000);
    pipeline.flush();
    expect(sink.chunks.slice(2).map(({ frame, contextTime }) => [frame, contextTime])).toEqual([
      [333, 1],
    ]);
    expect(pipeline.captured).toBe(333 + 320);
    expect(pipeline.dropped).toBe(0);
  });
});
