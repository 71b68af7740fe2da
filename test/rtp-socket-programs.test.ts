import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { SampleDecoder } from '../src/core/format/sample-format.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import type { StreamChunk } from '../src/node/accepted-stream.ts';
import { opusLibrary } from './helpers/opus.ts';
import { installed } from './helpers/programs.ts';
import { tones } from './helpers/tones.ts';
import {
  L16,
  PCMU,
  PCMA,
  OPUS,
  cleanups,
  open,
  readAll,
  expectAccounted,
} from './helpers/rtp-socket-rig.ts';

/** The samples of chunks, silence for what is missing. */
function floats(stream: StreamFormat, chunks: readonly StreamChunk[]): Float32Array {
  const last = chunks.at(-1)!;
  const all = new Float32Array(last.frame + last.frames);
  const decoder = new SampleDecoder(stream as StreamFormat<'s16'>);
  for (const { frame, frames, bytes } of chunks) {
    decoder.decode(bytes, 0, frames, [all], frame);
  }
  return all;
}

/** Stretches of a tone must be one, as loud as ffmpeg makes its sine. */
function expectTone(signal: Float32Array, cycles: number, leastStretches: number): void {
  const found = tones(signal, cycles);
  expect(found.length).toBeGreaterThanOrEqual(leastStretches);
  for (const { amplitude, residual, ratio } of found) {
    expect(amplitude).toBeGreaterThan(0.1);
    expect(amplitude).toBeLessThan(0.15);
    expect(residual).toBeLessThan(amplitude * 0.06);
    expect(ratio).toBeCloseTo(1, 3);
  }
}

/** Runs a program until the test ends. @returns what it wrote to its standard error, when it has exited */
function run(program: string, args: readonly string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  cleanups.push(() => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  return new Promise((resolve) => child.on('close', () => resolve(said)));
}

const SINE = ['-hide_banner', '-v', 'error', '-re', '-f', 'lavfi', '-i'];

// Not installed: the test is skipped by name.
describe.runIf(installed('ffmpeg'))('RtpSocket with ffmpeg', () => {
  it.each([
    { stream: PCMU, codec: 'pcm_mulaw' },
    { stream: PCMA, codec: 'pcm_alaw' },
    { stream: { ...L16, sampleRate: 48_000 }, codec: 'pcm_s16be', payloadType: 97 },
  ])(
    'receives a tone of $codec',
    async ({ stream, codec, payloadType }) => {
      const types = payloadType === undefined ? {} : { payloadType };
      const socket = await open({ stream, rtcp: 'port', ...types });
      const reading = readAll(socket);
      const said = await run('ffmpeg', [
        ...SINE,
        `sine=frequency=500:sample_rate=${stream.sampleRate}:duration=2`,
        '-c:a',
        codec,
        ...(payloadType === undefined ? [] : ['-payload_type', String(payloadType)]),
        '-f',
        'rtp',
        `rtp://127.0.0.1:${socket.address.port}`,
      ]);
      expect(said).toBe('');
      const { stats } = socket;
      expect(stats).toMatchObject({ lostPackets: 0, strayPackets: 0, badMessages: 0 });
      expect(stats.receivedReports).toBeGreaterThan(0);
      await socket.close();
      const chunks = await reading;
      expectAccounted(socket, chunks);
      const signal = floats(stream, chunks);
      expect(signal.length).toBe(2 * stream.sampleRate);
      expectTone(signal, 500 / stream.sampleRate, 19);
    },
    30_000,
  );

  it('receives a tone of Opus', async () => {
    const socket = await open({ stream: OPUS, payloadType: 97 });
    const reading = readAll(socket);
    const said = await run('ffmpeg', [
      ...SINE,
      'sine=frequency=500:sample_rate=48000:duration=2',
      '-c:a',
      'libopus',
      '-b:a',
      '64k',
      '-payload_type',
      '97',
      '-f',
      'rtp',
      `rtp://127.0.0.1:${socket.address.port}`,
    ]);
    expect(said).toBe('');
    await socket.close();
    const chunks = await reading;
    expect(chunks.length).toBeGreaterThan(90);
    const decoder = new OpusDecoder(await opusLibrary(), { sampleRate: 48_000, channels: 1 });
    const last = chunks.at(-1)!;
    const signal = new Float32Array(last.frame + last.frames);
    for (const { frame, bytes } of chunks) {
      decoder.decode(bytes, 0, bytes.length, [signal], frame);
    }
    expectTone(signal.subarray(4800, 90_000), 500 / 48_000, 17);
  }, 30_000);

  it('sends a tone, which ffmpeg writes to a file as its SDP says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'micwire-rtp-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    // A port that is free now.
    const probe = createSocket('udp4');
    probe.bind(0, '127.0.0.1');
    await once(probe, 'listening');
    const port = probe.address().port & ~1;
    await new Promise<void>((resolve) => probe.close(resolve));
    const socket = await open({ stream: L16, remote: { host: '127.0.0.1', port } });
    writeFileSync(join(folder, 'stream.sdp'), socket.sdp);
    const file = join(folder, 'tone.wav');
    const ended = run('ffmpeg', [
      ...['-hide_banner', '-v', 'error', '-protocol_whitelist', 'file,udp,rtp'],
      ...['-i', join(folder, 'stream.sdp'), '-t', '1.5', '-c:a', 'pcm_s16le', file],
    ]);
    const frames = 16_000;
    const tone = new Int16Array(frames);
    for (let i = 0; i < frames; i++) tone[i] = Math.round(4096 * Math.sin((i * Math.PI) / 16));
    let isOver = false;
    void ended.then(() => (isOver = true));
    // ffmpeg listens when it does: the tone, whose period divides a second, is played until it has enough.
    for (let i = 0; i < 20 && !isOver; i++) {
      await Promise.race([socket.play(new Uint8Array(tone.buffer)), ended]);
    }
    socket.stopPlaying();
    expect(await ended).toBe('');
    const wav = readFileSync(file);
    const samples = new Int16Array(24_000);
    const start = wav.indexOf('data') + 8;
    for (let i = 0; i < samples.length; i++) samples[i] = wav.readInt16LE(start + 2 * i);
    // Every sample, by content: where in the period it begins is known by the first of them.
    const period = Array.from(tone.subarray(0, 32));
    const phase = period.findIndex((_, at) =>
      period.every((__, i) => samples[i] === period[(at + i) % 32]),
    );
    expect(phase).toBeGreaterThanOrEqual(0);
    expect(samples.every((value, i) => value === period[(phase + i) % 32])).toBe(true);
  }, 60_000);
});

// Not installed: the test is skipped by name.
describe.runIf(installed('gst-launch-1.0'))('RtpSocket with GStreamer', () => {
  it('receives a tone of L16', async () => {
    const stream = { ...L16, sampleRate: 48_000 };
    const socket = await open({ stream, payloadType: 96 });
    const reading = readAll(socket);
    await run('gst-launch-1.0', [
      ...'-q audiotestsrc is-live=true freq=500 volume=0.125 samplesperbuffer=960 num-buffers=100'.split(
        ' ',
      ),
      ...'! audio/x-raw,format=S16BE,rate=48000,channels=1 ! rtpL16pay pt=96 ! udpsink'.split(' '),
      'host=127.0.0.1',
      `port=${socket.address.port}`,
    ]);
    await socket.close();
    const chunks = await reading;
    expectAccounted(socket, chunks);
    expectTone(floats(stream, chunks), 500 / 48_000, 15);
  }, 30_000);
});
