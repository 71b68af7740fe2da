/** What the page about PCM of the lab's view Learn is made from. */
import { describe, expect, it } from 'vitest';
import { lengthsOf, marksOf } from '../demo/learn/byte-map.ts';
import { exampleVoice } from '../demo/learn/example-voice.ts';
import { contentWords, packetOfBlock, readMediaFile } from '../demo/learn/media-file.ts';
import { opusTocFields } from '../demo/learn/opus-toc.ts';
import { levelDbfs, quantisationNoise, quantise, stepOf } from '../demo/learn/quantiser.ts';
import { encodeBase64 } from '../src/core/base64/base64.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { OggOpusWriter } from '../src/core/container/ogg-opus.ts';
import { WebmOpusWriter } from '../src/core/container/webm-opus.ts';
import { decodeMulaw, encodeMulaw } from '../src/core/format/g711.ts';
import { SampleEncoder } from '../src/core/format/sample-format.ts';
import { encodeAll } from './helpers/codec-stream.ts';
import { opusLibrary } from './helpers/opus.ts';
import { seededRandom } from './helpers/random.ts';
import { speech } from './helpers/speech.ts';

const BITS = [4, 5, 6, 8, 10, 12, 14, 16];

describe('the quantiser', () => {
  it.each(BITS)('adds the noise of %i bits: 6.02 dB less with each bit', (bits) => {
    const random = seededRandom(bits);
    const samples = Float32Array.from({ length: 100_000 }, () => 1.8 * random() - 0.9);
    const coding = { kind: 'linear', bits } as const;
    const noise = quantisationNoise(samples, quantise(samples, coding));
    // A step's width, uniformly distributed: step / √12.
    const wanted = 20 * Math.log10(stepOf(coding) / Math.sqrt(12));
    expect(Math.abs(levelDbfs(noise) - wanted)).toBeLessThan(0.2);
    expect(Math.max(...noise.map(Math.abs))).toBeLessThanOrEqual(stepOf(coding) / 2 + 1e-7);
  });

  it('has at most as many levels as its bits allow, and clamps', () => {
    const samples = Float32Array.from({ length: 10_001 }, (_, i) => (i - 5000) / 4000);
    const coded = quantise(samples, { kind: 'linear', bits: 4 });
    expect(new Set(coded).size).toBe(16);
    expect([Math.min(...coded), Math.max(...coded)]).toEqual([-1, 7 / 8]);
  });

  it('agrees with the encoder of 16 bits, and with G.711', () => {
    const samples = speech(4000);
    const encoder = new SampleEncoder({ format: 's16', channels: 1 });
    const bytes = new Uint8Array(2 * samples.length);
    encoder.encode([samples], 0, samples.length, bytes, 0);
    const integers = new Int16Array(bytes.buffer);
    expect(quantise(samples, { kind: 'linear', bits: 16 })).toEqual(
      Float32Array.from(integers, (integer) => integer / 32_768),
    );
    expect(quantise(samples, { kind: 'mulaw' })).toEqual(
      Float32Array.from(integers, (integer) => decodeMulaw(encodeMulaw(integer)) / 32_768),
    );
  });

  it('has quieter noise for quiet speech with µ-law than with 8 equal bits', () => {
    const quiet = speech(16_000).map((sample) => sample / 30);
    const noiseOf = (coded: Float32Array) => levelDbfs(quantisationNoise(quiet, coded));
    const mulaw = noiseOf(quantise(quiet, { kind: 'mulaw' }));
    const linear = noiseOf(quantise(quiet, { kind: 'linear', bits: 8 }));
    expect(mulaw).toBeLessThan(linear - 10);
  });
});

describe('the map of samples, bytes and characters', () => {
  it.each([1, 2])(
    'marks, for samples of %i bytes, the bytes and characters that change together',
    (bytesPerSample) => {
      const samples = 12;
      const bytes = Uint8Array.from({ length: samples * bytesPerSample }, (_, i) => 37 * i);
      for (let sample = 0; sample < samples; sample++) {
        const marks = marksOf({ place: 'sample', index: sample }, bytesPerSample, samples);
        expect(marks.sample).toEqual({ from: sample, to: sample + 1 });
        const { from, to } = marks.byte;
        expect([from, to]).toEqual([sample * bytesPerSample, (sample + 1) * bytesPerSample]);
        // Its characters are those that change when its bytes do.
        const changed = bytes.map((byte, i) => (i >= from && i < to ? byte ^ 0xff : byte));
        const differing = Array.from(encodeBase64(bytes)).flatMap((character, i) =>
          character === encodeBase64(changed)[i] ? [] : [i],
        );
        expect(differing).toEqual(range(marks.character.from, marks.character.to));
      }
    },
  );

  it('maps each character and byte back to the samples that hold its bits', () => {
    const samples = 9;
    for (const bytesPerSample of [1, 2]) {
      const lengths = lengthsOf(samples, bytesPerSample);
      for (const place of ['byte', 'character'] as const) {
        for (let index = 0; index < lengths[place]; index++) {
          const { sample } = marksOf({ place, index }, bytesPerSample, samples);
          const wanted = range(0, samples).filter((one) => {
            const span = marksOf({ place: 'sample', index: one }, bytesPerSample, samples)[place];
            return index >= span.from && index < span.to;
          });
          expect(range(sample.from, sample.to)).toEqual(wanted);
        }
      }
    }
  });
});

describe('a recorder’s file', () => {
  const packets = async (): Promise<Uint8Array[]> => {
    const encoder = new OpusEncoder(await opusLibrary(), { sampleRate: 48_000, channels: 1 });
    return encodeAll(encoder, [speech(48_000)]);
  };

  it('of WebM is read element by element, to the packets in its blocks', async () => {
    const all = await packets();
    const writer = new WebmOpusWriter({ channels: 1, preSkip: 312 });
    const bytes = joined([writer.head(), ...all.map((packet) => writer.packet(packet))]);
    const { kind, elements } = readMediaFile(bytes)!;
    expect(kind.label).toContain('WebM');
    expect(elements.slice(0, 2).map(({ name, depth }) => [name, depth])).toEqual([
      ['EBML', 0],
      ['EBMLVersion', 1],
    ]);
    const segment = elements.find(({ name }) => name === 'Segment')!;
    expect(segment.depth).toBe(0);
    const words = (name: string) => contentWords(elements.find((one) => one.name === name)!);
    expect(words('DocType')).toBe('“webm”');
    expect(words('CodecID')).toBe('“A_OPUS”');
    expect(words('SamplingFrequency')).toBe('= 48000 Hz');
    const found = elements.map(packetOfBlock).filter((packet) => packet !== null);
    expect(found.slice(0, 20)).toEqual(all.slice(0, 20));
  });

  it('of Ogg is read page by page', async () => {
    const writer = new OggOpusWriter({ channels: 1, preSkip: 312, serial: 7 });
    const bytes = joined([
      writer.head(),
      ...(await packets()).map((packet) => writer.packet(packet)),
    ]);
    const names = readMediaFile(bytes)!.elements.map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['Page: OpusHead', 'Page: OpusTags', 'Page: packets']);
  });

  it('that is cut off anywhere is read up to the cut', async () => {
    const writer = new WebmOpusWriter({ channels: 1, preSkip: 312 });
    const bytes = joined([
      writer.head(),
      ...(await packets()).map((packet) => writer.packet(packet)),
    ]);
    const whole = readMediaFile(bytes)!.elements.map(({ name }) => name);
    for (let length = 4; length < 600; length += 7) {
      const names = readMediaFile(bytes.slice(0, length))!.elements.map(({ name }) => name);
      expect(names).toEqual(whole.slice(0, names.length));
    }
  });

  it('of elements without a size, as browsers write them, is read to the next cluster', () => {
    const unknown = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    const block = [0xa3, 0x85, 0x81, 0, 0, 0x80, 0xf8];
    const cluster = [0x1f, 0x43, 0xb6, 0x75, ...unknown, 0xe7, 0x81, 5, ...block];
    const head = [0x1a, 0x45, 0xdf, 0xa3, 0x80, 0x18, 0x53, 0x80, 0x67, ...unknown];
    const file = Uint8Array.from([...head, ...cluster, ...cluster]);
    const { elements } = readMediaFile(file)!;
    expect(elements.map(({ name, depth }) => `${depth} ${name}`)).toEqual([
      '0 EBML',
      '0 Segment',
      '1 Cluster',
      '2 Timestamp',
      '2 SimpleBlock',
      '1 Cluster',
      '2 Timestamp',
      '2 SimpleBlock',
    ]);
    expect(elements[1]!.contentBytes).toBeNull();
    expect(packetOfBlock(elements[4]!)).toEqual(Uint8Array.of(0xf8));
  });
});

describe('the table of contents of Opus', () => {
  it('is read as RFC 6716, table 2 has it', () => {
    // Config 31, CELT, full band, 20 ms; mono; one frame.
    const fields = opusTocFields(Uint8Array.of(0xf8, 1, 2));
    expect(fields.map(({ bits }) => bits)).toEqual(['11111', '0', '00']);
    expect(fields[0]!.meaning).toMatch(/Number 31: CELT.*20 kHz; frames of 20 ms/);
    // Config 1, SILK, narrow band, 20 ms; stereo; two frames of equal size.
    const others = opusTocFields(Uint8Array.of(0x0d, 1, 2));
    expect(others.map(({ meaning }) => meaning).join(' ')).toMatch(
      /Number 1: SILK.*4 kHz; frames of 20 ms\. Stereo\. 2 frames/,
    );
  });
});

it('the example is periodic and within full scale', () => {
  const samples = exampleVoice(8000, 640);
  expect(Math.max(...samples.map(Math.abs))).toBeLessThan(1);
  expect(levelDbfs(samples)).toBeGreaterThan(-20);
  for (let i = 0; i < 576; i++) expect(samples[i + 64]).toBeCloseTo(samples[i]!, 4);
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
