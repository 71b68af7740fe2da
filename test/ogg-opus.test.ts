import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import type { OpusOptions } from '../src/core/codec/opus-options.ts';
import { OggOpusWriter, oggCrc } from '../src/core/container/ogg-opus.ts';
import { PacketError } from '../src/core/errors.ts';
import { decodeAll, encodeAll } from './helpers/codec-stream.ts';
import { readOggPages } from './helpers/ogg-pages.ts';
import { opusLibrary } from './helpers/opus.ts';
import { installed, planarFloats, runProgram } from './helpers/programs.ts';
import { segmentalSnrDb, snrDb } from './helpers/snr.ts';
import { speech, stereoSpeech } from './helpers/speech.ts';

const library = await opusLibrary();
const folder = mkdtempSync(join(tmpdir(), 'micwire-ogg-'));
afterAll(() => rmSync(folder, { recursive: true }));

const FRAMES = 72_000;

interface Stream {
  readonly head: Uint8Array;
  readonly pages: readonly Uint8Array[];
  readonly packets: readonly Uint8Array[];
  readonly input: readonly Float32Array[];
  readonly preSkip: number;
}

/** 1.5 s, to the frame: the last packet is filled up with silence, which the last page trims off. */
function stream(channels: number, options: OpusOptions): Stream {
  const input = channels === 1 ? [speech(FRAMES)] : stereoSpeech(FRAMES);
  const encoder = new OpusEncoder(library, { ...options, sampleRate: 48_000, channels });
  const preSkip = encoder.latencyFrames;
  const count = Math.ceil((FRAMES + preSkip) / encoder.packetFrames);
  const total = count * encoder.packetFrames;
  const padded = input.map((samples) => {
    const longer = new Float32Array(total);
    longer.set(samples);
    return longer;
  });
  const packets = encodeAll(encoder, padded);
  encoder.close();
  const writer = new OggOpusWriter({ channels, preSkip, serial: 77, tags: { TITLE: 'Ünïcödé 🎙' } });
  const head = writer.head();
  const pages = packets.map((packet, i) =>
    i < count - 1 ? writer.packet(packet) : writer.end(packet, total - FRAMES - preSkip),
  );
  expect(writer.frames).toBe(FRAMES);
  return { head, pages, packets, input, preSkip };
}

function fileOf(parts: readonly Uint8Array[]): string {
  const path = join(folder, `${parts.length}-${Math.round(performance.now() * 1000)}.opus`);
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

const KINDS: readonly (readonly [name: string, channels: number, options: OpusOptions])[] = [
  ['mono 20 ms', 1, { bitrate: 24_000 }],
  ['stereo 60 ms', 2, { bitrate: 96_000, packetDurationMs: 60 }],
  ['mono 2.5 ms lowdelay', 1, { bitrate: 96_000, packetDurationMs: 2.5, application: 'lowdelay' }],
  ['mono 120 ms with FEC', 1, { bitrate: 48_000, packetDurationMs: 120, fec: true }],
  ['mono 20 ms with DTX', 1, { bitrate: 16_000, dtx: true }],
];

test('the checksum is that of RFC 3533: 0x04c11db7, from 0, not reflected, not inverted', () => {
  // CRC-32/MPEG-2 without its initial value, of the usual check string: CRC-32/CKSUM before the length and inversion.
  expect(oggCrc(new TextEncoder().encode('123456789'))).toBe(0x89a1897f);
});

test.each(KINDS)(
  '%s: pages follow each other, one packet each, granules at the end of the packet',
  (_, channels, options) => {
    const { head, pages: written, packets, preSkip } = stream(channels, options);
    const pages = readOggPages(Buffer.concat([head, ...written]));
    expect(pages.every((page) => page.checksumIsRight && page.serial === 77)).toBe(true);
    expect(pages.map((page) => page.sequence)).toEqual(pages.map((_, i) => i));
    expect(pages.map((page) => page.flags)).toEqual(
      pages.map((_, i) => (i === 0 ? 2 : i === pages.length - 1 ? 4 : 0)),
    );
    expect(pages.slice(2).map((page) => page.packets)).toEqual(packets.map((packet) => [packet]));
    const duration = (options.packetDurationMs ?? 20) * 48;
    const granules = pages.slice(2).map((page) => page.granule);
    expect(granules.slice(0, -1)).toEqual(granules.slice(0, -1).map((_, i) => (i + 1) * duration));
    expect(granules.at(-1)).toBe(FRAMES + preSkip);
    const [first] = pages[0]!.packets;
    expect(Buffer.from(first!).toString('latin1', 0, 8)).toBe('OpusHead');
    expect([...first!.subarray(8)]).toEqual([
      1,
      channels,
      preSkip & 255,
      preSkip >> 8,
      0x80,
      0xbb,
      0,
      0,
      0,
      0,
      0,
    ]);
  },
);

describe.runIf(installed('opusinfo') && installed('opusdec'))('opus-tools', () => {
  test.each(KINDS)(
    '%s: opusinfo has no complaint, opusdec decodes every frame',
    (_, channels, options) => {
      const { head, pages, packets, input, preSkip } = stream(channels, options);
      const file = fileOf([head, ...pages]);
      const { stdout, stderr } = runProgram('opusinfo', [file]);
      expect(stdout.toString() + stderr).not.toMatch(
        /warning|error|negative|illegal|corrupt|hole|missing/i,
      );
      expect(stdout.toString()).toContain('TITLE=Ünïcödé 🎙');
      expect(stdout.toString()).toMatch(/Playback length: 0m:01\.5/);

      const pcm = runProgram('opusdec', [
        '--quiet',
        '--float',
        '--rate',
        '48000',
        file,
        '-',
      ]).stdout;
      const heard = planarFloats(pcm, channels);
      const decoder = new OpusDecoder(library, { sampleRate: 48_000, channels, preSkip });
      const ours = decodeAll(decoder, packets, (options.packetDurationMs ?? 20) * 48);
      for (let c = 0; c < channels; c++) {
        expect(heard[c]!.length).toBe(FRAMES);
        expect(segmentalSnrDb(input[c]!, heard[c]!)).toBeGreaterThan(2);
        // Debian's libopus is another version and build: as good as equal.
        expect(snrDb(ours[c]!.subarray(0, FRAMES), heard[c]!)).toBeGreaterThan(60);
      }
    },
  );

  test('with pages of 400 ms it is smaller by a third, with the same quality', () => {
    const { packets, head, pages } = stream(1, { bitrate: 24_000 });
    const writer = new OggOpusWriter({ channels: 1, preSkip: 312, pageDurationMs: 400 });
    const parts: Uint8Array[] = [writer.head()];
    for (const packet of packets.slice(0, -1)) parts.push(writer.packet(packet));
    parts.push(writer.end(packets.at(-1), packets.length * 960 - 312 - FRAMES));
    const file = Buffer.concat(parts);
    expect(file.length).toBeLessThan(Buffer.concat([head, ...pages]).length * 0.72);
    expect(
      readOggPages(file)
        .slice(2)
        .flatMap((page) => page.packets),
    ).toEqual(packets);
    expect(readOggPages(file)[2]!.packets.length).toBe(20);
    const { stdout, stderr } = runProgram('opusinfo', [fileOf([file])]);
    expect(stdout.toString() + stderr).not.toMatch(/warning|error|negative|corrupt/i);
    expect(stdout.toString()).toMatch(/Playback length: 0m:01\.5/);
  });

  test('ended without a last packet it is equally valid', () => {
    const { packets } = stream(1, {});
    const writer = new OggOpusWriter({ channels: 1, preSkip: 312 });
    const parts = [writer.head(), ...packets.map((packet) => writer.packet(packet)), writer.end()];
    const { stdout, stderr } = runProgram('opusinfo', [fileOf(parts)]);
    expect(stdout.toString() + stderr).not.toMatch(/warning|error|negative|corrupt/i);
  });

  test('a gap is filled, and the audio after it is in its place', () => {
    const { packets } = stream(1, { bitrate: 64_000 });
    const writer = new OggOpusWriter({ channels: 1, preSkip: 312 });
    const head = writer.head();
    const half = packets.slice(0, 30).map((packet) => writer.packet(packet));
    // 12 345 frames in two pieces; 105 of the second are too few for a packet.
    const gap = [writer.gap(12_000), writer.gap(345)];
    const rest = packets.slice(30, 60).map((packet) => writer.packet(packet));
    const file = fileOf([head, ...half, ...gap, ...rest, writer.end()]);
    const { stdout, stderr } = runProgram('opusinfo', [file]);
    expect(stdout.toString() + stderr).not.toMatch(/warning|error|negative|corrupt/i);
    const pcm = runProgram('opusdec', ['--quiet', '--float', '--rate', '48000', file, '-']).stdout;
    expect(planarFloats(pcm, 1)[0]!.length).toBe(60 * 960 + 12_240 - 312);
  });
});

describe.runIf(installed('ffmpeg'))('ffmpeg', () => {
  const decode = (file: string) =>
    runProgram('ffmpeg', [
      '-v',
      'warning',
      '-c:a',
      'libopus',
      '-i',
      file,
      '-f',
      'f32le',
      '-ar',
      '48000',
      '-',
    ]);

  test.each(KINDS)('%s: decodes to the frame, without a warning', (_, channels, options) => {
    const { head, pages, input } = stream(channels, options);
    const { stdout, stderr } = decode(fileOf([head, ...pages]));
    expect(stderr).toBe('');
    const heard = planarFloats(stdout, channels);
    expect(heard[0]!.length).toBe(FRAMES);
    for (let c = 0; c < channels; c++) {
      expect(segmentalSnrDb(input[c]!, heard[c]!)).toBeGreaterThan(2);
    }
  });

  test('cut at any page it plays up to there', () => {
    const { head, pages, input } = stream(1, { bitrate: 64_000 });
    for (const count of [2, 3, 20, 51, pages.length - 1]) {
      const { stdout, stderr } = decode(fileOf([head, ...pages.slice(0, count)]));
      expect(stderr).toBe('');
      const heard = planarFloats(stdout, 1)[0]!;
      expect(heard.length).toBe(count * 960 - 312);
      const expected = input[0]!.subarray(0, heard.length);
      if (count > 20) expect(segmentalSnrDb(expected, heard)).toBeGreaterThan(8);
    }
  });

  test('cut within a page it plays up to the page before', () => {
    const { head, pages } = stream(1, {});
    const whole = Buffer.concat([head, ...pages.slice(0, 30)]);
    const { stdout } = decode(fileOf([whole.subarray(0, whole.length - 9)]));
    expect(planarFloats(stdout, 1)[0]!.length).toBe(29 * 960 - 312);
  });

  test('joined at any page, after the head, it plays from there', () => {
    const { head, pages, input } = stream(1, { bitrate: 64_000 });
    const from = 40;
    const { stdout } = decode(fileOf([head, ...pages.slice(from)]));
    const heard = planarFloats(stdout, 1)[0]!;
    expect(heard.length).toBeGreaterThan(FRAMES - from * 960 - 1000);
    const skip = heard.length - (FRAMES - from * 960);
    expect(Math.abs(skip)).toBeLessThanOrEqual(312);
    const settled = 4800;
    const expected = input[0]!.subarray(from * 960 - skip + settled);
    expect(segmentalSnrDb(expected, heard.subarray(settled))).toBeGreaterThan(6);
  });
});

test('anything but an Opus packet is refused, and does not advance the stream', () => {
  const writer = new OggOpusWriter({ channels: 1, preSkip: 0 });
  writer.head();
  expect(() => writer.packet(Uint8Array.of())).toThrow(PacketError);
  expect(() => writer.end(Uint8Array.of(0xfb))).toThrow(PacketError);
  writer.packet(Uint8Array.of(0xf8));
  expect(writer.frames).toBe(960);
});

test('the order of calls is head, packets, end', () => {
  const writer = new OggOpusWriter({ channels: 2, preSkip: 0 });
  expect(() => writer.packet(Uint8Array.of(0xf8))).toThrow(/head\(\) must come first/);
  writer.head();
  expect(() => writer.head()).toThrow(/once/);
  writer.end();
  expect(() => writer.packet(Uint8Array.of(0xf8))).toThrow(/has ended/);
});

describe('tags that take more than one page', () => {
  const tags = Object.fromEntries(
    Array.from({ length: 16 }, (_, i) => [`NOTE${i}`, String.fromCodePoint(97 + i).repeat(4096)]),
  );
  const file = () => {
    const { packets } = stream(1, {});
    const writer = new OggOpusWriter({ channels: 1, preSkip: 312, tags });
    const parts = [writer.head(), ...packets.slice(0, -1).map((packet) => writer.packet(packet))];
    return Buffer.concat([...parts, writer.end(packets.at(-1))]);
  };

  test('continue on the next page, and the first packet has a page of its own (RFC 7845 §3)', () => {
    const pages = readOggPages(file());
    expect(pages.every((page) => page.checksumIsRight)).toBe(true);
    expect(pages.map((page) => page.sequence)).toEqual(pages.map((_, i) => i));
    expect(pages.slice(0, 4).map((page) => page.flags)).toEqual([2, 0, 1, 0]);
    expect(pages[1]!.granule).toBe(-1);
    expect(pages[2]!.granule).toBe(0);
    expect(pages[3]!.packets.length).toBe(1);
  });

  test.runIf(installed('opusinfo'))('opusinfo reads each of them', () => {
    const { stdout, stderr } = runProgram('opusinfo', [fileOf([file()])]);
    expect(stdout.toString() + stderr).not.toMatch(/warning|error|negative|illegal|corrupt/i);
    for (const [name, value] of Object.entries(tags)) {
      expect(stdout.toString()).toContain(`${name}=${value}`);
    }
  });

  test('beyond a mebibyte in total they are refused before anything is written', () => {
    const one = 'ü'.repeat(2 ** 19 - 10);
    const make = (all: Record<string, string>) =>
      new OggOpusWriter({ channels: 1, preSkip: 0, tags: all }).head();
    expect(make({ TITLE: one }).length).toBeGreaterThan(2 ** 20 - 100);
    expect(() => make({ TITLE: one, ARTIST: 'Somebody else' })).toThrow(/at most 1048576 bytes/);
    expect(() => make('TITLE' as never)).toThrow(/tags must be an object/);
  });
});

test('options out of range are refused', () => {
  const base = { channels: 1, preSkip: 312 };
  expect(() => new OggOpusWriter({ ...base, channels: 3 })).toThrow(RangeError);
  expect(() => new OggOpusWriter({ ...base, preSkip: 65_536 })).toThrow(RangeError);
  expect(() => new OggOpusWriter({ ...base, serial: -1 })).toThrow(RangeError);
  expect(() => new OggOpusWriter({ ...base, tags: { 'A=B': 'c' } })).toThrow(/without '='/);
});
