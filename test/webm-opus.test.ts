import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import type { OpusOptions } from '../src/core/codec/opus-options.ts';
import { WebmOpusWriter } from '../src/core/container/webm-opus.ts';
import { PacketError } from '../src/core/errors.ts';
import { encodeAll } from './helpers/codec-stream.ts';
import { readEbml, uintOf } from './helpers/ebml.ts';
import type { EbmlElement } from './helpers/ebml.ts';
import { opusLibrary } from './helpers/opus.ts';
import { installed, planarFloats, runProgram } from './helpers/programs.ts';
import { segmentalSnrDb } from './helpers/snr.ts';
import { speech, stereoSpeech } from './helpers/speech.ts';

const library = await opusLibrary();
const folder = mkdtempSync(join(tmpdir(), 'micwire-webm-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** 6 s and a part of a packet. */
const FRAMES = 6 * 48_000 + 777;

/** A file as it is at the end, and as it is while it grows. */
function recording(channels: number, options: OpusOptions) {
  const input = channels === 1 ? [speech(FRAMES)] : stereoSpeech(FRAMES);
  const encoder = new OpusEncoder(library, { ...options, sampleRate: 48_000, channels });
  const preSkip = encoder.latencyFrames;
  const count = Math.ceil((FRAMES + preSkip) / encoder.packetFrames);
  const total = count * encoder.packetFrames;
  const packets = encodeAll(
    encoder,
    input.map((samples) => {
      const longer = new Float32Array(total);
      longer.set(samples);
      return longer;
    }),
  );
  encoder.close();
  const writer = new WebmOpusWriter({ channels, preSkip });
  const head = writer.head();
  const body = packets.map((packet, i) =>
    i < count - 1 ? writer.packet(packet) : writer.end(packet, total - FRAMES - preSkip),
  );
  const finished = writer.finish();
  expect(finished.length).toBe(head.length);
  return {
    open: Buffer.concat([head, ...body]),
    whole: Buffer.concat([finished, ...body]),
    packets,
    input,
    preSkip,
  };
}

function pathOf(bytes: Uint8Array): string {
  const path = join(folder, `${Math.round(performance.now() * 1000)}.webm`);
  writeFileSync(path, bytes);
  return path;
}

const KINDS: readonly (readonly [name: string, channels: number, options: OpusOptions])[] = [
  ['mono 20 ms', 1, { bitrate: 24_000 }],
  ['stereo 60 ms', 2, { bitrate: 96_000, packetDurationMs: 60 }],
  ['mono 2.5 ms lowdelay', 1, { bitrate: 96_000, packetDurationMs: 2.5, application: 'lowdelay' }],
  ['mono 120 ms', 1, { bitrate: 48_000, packetDurationMs: 120 }],
  ['mono 20 ms with DTX', 1, { bitrate: 16_000, dtx: true }],
];

const find = (elements: readonly EbmlElement[], id: number): EbmlElement => {
  const found = elements.find((element) => element.id === id);
  if (found === undefined) throw new Error(`no element ${id.toString(16)}`);
  return found;
};

describe.each(KINDS)('%s', (_, channels, options) => {
  const { whole, open, packets, input, preSkip } = recording(channels, options);

  test('the elements contain the delay, the pre-roll, the end of the audio, and the position of the index', () => {
    const [header, segment, ...others] = readEbml(whole);
    expect(others).toEqual([]);
    expect(Buffer.from(find(header!.children, 0x4282).data).toString()).toBe('webm');
    const { children, contentAt } = segment!;
    const info = find(children, 0x1549a966);
    const duration = Buffer.from(find(info.children, 0x4489).data).readDoubleBE();
    expect(duration).toBeCloseTo(FRAMES / 48, 6);
    const track = find(find(children, 0x1654ae6b).children, 0xae);
    expect(uintOf(find(track.children, 0x56aa))).toBe(Math.round((preSkip / 48_000) * 1e9));
    expect(uintOf(find(track.children, 0x56bb))).toBe(80_000_000);
    expect(Buffer.from(find(track.children, 0x63a2).data).toString('latin1', 0, 8)).toBe(
      'OpusHead',
    );
    for (const { children: seek } of find(children, 0x114d9b74).children) {
      const id = uintOf(find(seek, 0x53ab));
      const position = uintOf(find(seek, 0x53ac));
      expect(children.find((element) => element.at - contentAt === position)?.id).toBe(id);
    }
    const clusters = children.filter(({ id }) => id === 0x1f43b675);
    const cues = find(children, 0x1c53bb6b).children.map((cue) => ({
      ms: uintOf(find(cue.children, 0xb3)),
      position: uintOf(find(find(cue.children, 0xb7).children, 0xf1)),
    }));
    expect(cues.map(({ ms }) => Math.round(ms / 5000))).toEqual([0, 1]);
    for (const { ms, position } of cues) {
      const cluster = clusters.find((element) => element.at - contentAt === position);
      expect(uintOf(find(cluster!.children, 0xe7))).toBe(ms);
    }
    // Every packet, in order, at its time.
    const blocks = clusters.flatMap((cluster) => {
      const ms = uintOf(find(cluster.children, 0xe7));
      return cluster.children
        .filter(({ id }) => id === 0xa3 || id === 0xa0)
        .map((block) => {
          const { data } = block.id === 0xa3 ? block : find(block.children, 0xa1);
          expect(data[0]).toBe(0x81);
          return { ms: ms + Buffer.from(data).readInt16BE(1), packet: data.subarray(4) };
        });
    });
    expect(blocks.map(({ packet }) => [...packet])).toEqual(packets.map((packet) => [...packet]));
    const duration48 = (options.packetDurationMs ?? 20) * 48;
    for (const [i, { ms }] of blocks.entries()) {
      expect(Math.abs(ms - (i * duration48) / 48)).toBeLessThanOrEqual(0.5);
    }
    const last = clusters.at(-1)!.children.at(-1)!;
    const padding = Number(Buffer.from(find(last.children, 0x75a2).data).readBigInt64BE());
    const filled = packets.length * duration48 - preSkip - FRAMES;
    expect(padding).toBe(Math.round((filled / 48_000) * 1e9));
  });

  test.runIf(installed('ffmpeg'))('ffmpeg decodes it to the frame, without a warning', () => {
    const args = (path: string) =>
      ['-v', 'warning', '-c:a', 'libopus', '-i', path, '-f', 'f32le', '-'] as const;
    const { stdout, stderr } = runProgram('ffmpeg', args(pathOf(whole)));
    expect(stderr.replace(/.*Guessed Channel Layout.*\n/g, '')).toBe('');
    const heard = planarFloats(stdout, channels);
    expect(heard[0]!.length).toBe(FRAMES);
    for (let c = 0; c < channels; c++) {
      expect(segmentalSnrDb(input[c]!, heard[c]!)).toBeGreaterThan(2);
    }
    // While it grows, its length is unknown: as much is there.
    expect(planarFloats(runProgram('ffmpeg', args(pathOf(open))).stdout, channels)[0]!.length).toBe(
      FRAMES,
    );
  });

  test.runIf(installed('ffprobe'))('ffprobe reads the duration, and can seek to any second', () => {
    const path = pathOf(whole);
    const show = (...more: readonly string[]) =>
      runProgram('ffprobe', ['-v', 'error', ...more, '-of', 'csv=p=0', path]).stdout.toString();
    expect(Number(show('-show_entries', 'format=duration'))).toBeCloseTo(FRAMES / 48_000, 3);
    const [seconds] = show('-read_intervals', '5.6%+#1', '-show_entries', 'packet=pts_time')
      .trim()
      .split(/[\n,]/);
    expect(Number(seconds)).toBeGreaterThan(4.9);
    expect(Number(seconds)).toBeLessThan(5.61);
  });
});

test.runIf(installed('ffmpeg'))(
  'a file that is cut off anywhere plays up to its last cluster',
  () => {
    const { open } = recording(1, { bitrate: 24_000 });
    const cut = open.subarray(0, Math.floor(open.length / 2));
    const { stdout } = runProgram('ffmpeg', ['-v', 'error', '-i', pathOf(cut), '-f', 'f32le', '-']);
    expect(planarFloats(stdout, 1)[0]!.length).toBeGreaterThan((FRAMES * 0.45) | 0);
  },
);

test.runIf(installed('ffmpeg'))('a gap keeps its length', () => {
  const { packets } = recording(1, { bitrate: 24_000 });
  const writer = new WebmOpusWriter({ channels: 1, preSkip: 312 });
  const parts = [writer.head(), ...packets.slice(0, 30).map((packet) => writer.packet(packet))];
  parts.push(writer.gap(12_000), ...packets.slice(30, 59).map((packet) => writer.packet(packet)));
  parts.push(writer.end(packets[59]!));
  parts[0] = writer.finish();
  const path = pathOf(Buffer.concat(parts));
  const { stdout, stderr } = runProgram('ffmpeg', [
    '-v',
    'warning',
    '-i',
    path,
    '-f',
    'f32le',
    '-',
  ]);
  expect(stderr.replace(/.*Guessed Channel Layout.*\n/g, '')).toBe('');
  expect(planarFloats(stdout, 1)[0]!.length).toBe(60 * 960 + 12_000 - 312);
});

test('the order of calls is head, packets, end, finish; anything but an Opus packet is refused', () => {
  const writer = new WebmOpusWriter({ channels: 2, preSkip: 0 });
  expect(() => writer.packet(Uint8Array.of(0xf8))).toThrow(/head\(\) must come first/);
  writer.head();
  expect(() => writer.head()).toThrow(/once/);
  expect(() => writer.packet(Uint8Array.of())).toThrow(PacketError);
  expect(writer.position).toBe(0);
  expect(() => writer.finish()).toThrow(/end\(\) must come first/);
  writer.end(Uint8Array.of(0xf8));
  expect(() => writer.packet(Uint8Array.of(0xf8))).toThrow(/has ended/);
  expect(() => new WebmOpusWriter({ channels: 3, preSkip: 0 })).toThrow(RangeError);
});
