import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { SampleDecoder } from '../src/core/format/sample-format.ts';
import { bytesPerFrame } from '../src/core/format/stream-format.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import { readLossPatterns } from '../src/core/rtp/loss-pattern.ts';
import { isRtcp, readReports } from '../src/core/rtp/rtcp.ts';
import type { RtpStreamOptions } from '../src/core/rtp/rtp-stream.ts';
import type { StreamChunk } from '../src/node/accepted-stream.ts';
import { ReorderWindow } from '../src/node/reorder-window.ts';
import { RtpReception } from '../src/node/rtp-reception.ts';
import { RtpSocket } from '../src/node/rtp-socket.ts';
import type { RtpSocketOptions } from '../src/node/rtp-socket.ts';
import { eventually } from './helpers/eventually.ts';
import { mutateBytes } from './helpers/mutate.ts';
import { opusLibrary } from './helpers/opus.ts';
import { installed } from './helpers/programs.ts';
import { seededRandom } from './helpers/random.ts';
import { bytesAt } from './helpers/stream-client.ts';
import { tones } from './helpers/tones.ts';

const L16 = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
const PCMU = { format: 'mulaw', sampleRate: 8000, channels: 1 } as const;
const PCMA = { format: 'alaw', sampleRate: 8000, channels: 1 } as const;
const OPUS = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
const STREAMS: readonly RtpStreamOptions[] = [
  L16,
  PCMU,
  PCMA,
  OPUS,
  { format: 's16', sampleRate: 44_100, channels: 2 },
  { format: 's24', sampleRate: 48_000, channels: 2 },
  { ...OPUS, sampleRate: 16_000, payloadType: 100 },
  { ...L16, payloadType: 101 },
];
/** Longer than any test: what is lost is waited for until the socket is closed. */
const PATIENT_MS = 10_000;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function open(options: RtpSocketOptions): Promise<RtpSocket> {
  const socket = await RtpSocket.open(options);
  cleanups.push(() => socket.close());
  return socket;
}

/** A bare socket, and what came to it. */
async function bare(host = '127.0.0.1'): Promise<{
  readonly socket: Socket;
  readonly port: number;
  readonly messages: Buffer[];
  post(message: Uint8Array, to: RtpSocket): Promise<void>;
}> {
  const socket = createSocket('udp4');
  const messages: Buffer[] = [];
  socket.on('message', (message) => messages.push(message));
  socket.bind(0, host);
  await once(socket, 'listening');
  cleanups.push(() => new Promise<void>((resolve) => socket.close(resolve)));
  return {
    socket,
    port: socket.address().port,
    messages,
    post: (message, to) =>
      new Promise((resolve, reject) => {
        socket.send(message, to.address.port, '127.0.0.1', (error) =>
          error === null ? resolve() : reject(error),
        );
      }),
  };
}

interface Sent {
  readonly frame: number;
  readonly frames: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly message: Uint8Array<ArrayBuffer>;
}

/** Packets of 20 ms of a stream, whose bytes tell which they are. */
function packets(stream: RtpStreamOptions, count: number, seed = 'rtp', redundancy = 0): Sent[] {
  const encoder = rtpFraming.createEncoder({
    ssrc: 0x1234_5678,
    sequenceOffset: 65_500,
    timestampOffset: 2 ** 32 - 1000,
    ...stream,
  });
  encoder.redundancy = redundancy;
  const frames = stream.sampleRate / 50;
  return Array.from({ length: count }, (_, i) => {
    const frame = i * frames;
    const frameBytes = bytesPerFrame(stream);
    // Opus: a code for 20 ms of one frame, and whatever follows it.
    const payload =
      frameBytes > 0
        ? Uint8Array.from(bytesAt(seed, frame, frames, frameBytes))
        : Uint8Array.of(0xf8, ...bytesAt(seed, i * 20, 20 + (i % 9), 1));
    const message = encoder.encode({
      format: stream.format,
      sampleRate: stream.sampleRate,
      channels: stream.channels,
      sequence: i,
      frame,
      frames,
      timestamp: 0,
      dropped: 0,
      payload,
    });
    return { frame, frames, payload, message };
  });
}

async function readAll(socket: RtpSocket): Promise<StreamChunk[]> {
  const chunks: StreamChunk[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return chunks;
}

const plain = (chunks: readonly StreamChunk[]) =>
  chunks.map(({ frame, frames, bytes, missing }) => ({
    frame,
    frames,
    missing,
    bytes: Array.from(bytes),
  }));

/** What a reader must get of packets of which only some come. */
function expected(sent: readonly Sent[]): ReturnType<typeof plain> {
  const base = sent[0]?.frame ?? 0;
  let end = base;
  return sent.map(({ frame, frames, payload }) => {
    const missing = frame - end;
    end = frame + frames;
    return { frame: frame - base, frames, missing, bytes: Array.from(payload) };
  });
}

/** Chunks follow each other without a gap that is not told, and all of what was received is somewhere. */
function expectAccounted(socket: RtpSocket, chunks: readonly StreamChunk[]): void {
  let end = 0;
  let frames = 0;
  for (const chunk of chunks) {
    expect(chunk.frame).toBe(end + chunk.missing);
    end = chunk.frame + chunk.frames;
    frames += chunk.frames;
  }
  const { stats } = socket;
  expect(stats.deliveredFrames).toBe(frames);
  expect(stats.receivedFrames).toBe(
    stats.deliveredFrames + stats.queuedFrames + stats.droppedFrames,
  );
}

const came = (socket: RtpSocket, count: number) =>
  eventually(() => expect(socket.stats.receivedPackets).toBe(count), { interval: 2 });

describe('RtpSocket', () => {
  it.each(STREAMS)('gives each byte of %o', async (stream) => {
    const { payloadType, ...format } = stream;
    const socket = await open({
      stream: format,
      ...(payloadType === undefined ? {} : { payloadType }),
    });
    const reading = readAll(socket);
    const sender = await bare();
    const sent = packets(stream, 40);
    for (const [i, { message }] of sent.entries()) {
      await sender.post(message, socket);
      if (i % 10 === 9) await came(socket, i + 1);
    }
    await socket.close();
    const chunks = await reading;
    expect(plain(chunks)).toEqual(expected(sent));
    expectAccounted(socket, chunks);
    expect(socket.stats).toMatchObject({ lostPackets: 0, strayPackets: 0, badMessages: 0 });
  });

  it('reads L16 in network byte order', async () => {
    const socket = await open({ stream: L16 });
    const sender = await bare();
    const header = [0x80, 96, 0, 7, 0, 0, 0, 9, 1, 2, 3, 4];
    await sender.post(Uint8Array.of(...header, 0x12, 0x34, 0xff, 0xfe), socket);
    await came(socket, 1);
    await socket.close();
    expect(plain(await readAll(socket))).toEqual([
      { frame: 0, frames: 2, missing: 0, bytes: [0x34, 0x12, 0xfe, 0xff] },
    ]);
  });

  it('puts in order what is lost, reordered and doubled, whatever the order', async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = seededRandom(seed);
      const stream = STREAMS[seed % STREAMS.length]!;
      const { payloadType, ...format } = stream;
      const options = payloadType === undefined ? {} : { payloadType };
      const socket = await open({ stream: format, reorderMs: PATIENT_MS, ...options });
      const sender = await bare();
      const all = packets(stream, 300, `seed ${seed}`);
      // Of what was lost nobody knows at the beginning and at the end.
      const kept = all.filter((_, i) => i === 0 || i === all.length - 1 || random() > 0.08);
      const order = kept
        .flatMap((one, i) =>
          random() < 0.06
            ? [
                { one, i },
                { one, i },
              ]
            : [{ one, i }],
        )
        .map(({ one, i }, at) => ({ one, at: (at === 0 ? -99 : i) + random() * 6 }))
        .sort((a, b) => a.at - b.at);
      const reading = readAll(socket);
      for (const [i, { one }] of order.entries()) {
        await sender.post(one.message, socket);
        if (i % 10 === 9) await came(socket, i + 1);
      }
      await came(socket, order.length);
      await socket.close();
      const chunks = await reading;
      expect(plain(chunks)).toEqual(expected(kept));
      expectAccounted(socket, chunks);
      const { stats } = socket;
      expect(stats.lostPackets).toBe(all.length - kept.length);
      expect(stats.duplicatePackets).toBe(order.length - kept.length);
      expect(stats.latePackets).toBe(0);
      expect(stats.reorderedPackets).toBeGreaterThan(0);
      expect(stats.missingFrames).toBe((all.length - kept.length) * all[0]!.frames);
    }
  }, 60_000);

  it('counts a packet that comes too late, and says that it is missing', async () => {
    const socket = await open({ stream: PCMU, reorderMs: 0 });
    const sender = await bare();
    const [one, two, three] = packets(PCMU, 3) as [Sent, Sent, Sent];
    for (const { message } of [one, three, two, two]) await sender.post(message, socket);
    await came(socket, 4);
    await socket.close();
    expect(plain(await readAll(socket))).toEqual(expected([one, three]));
    expect(socket.stats).toMatchObject({ lostPackets: 1, latePackets: 2, duplicatePackets: 0 });
  });

  it('gives up a packet when its time is over, and not before another one comes', async () => {
    const socket = await open({ stream: PCMU, reorderMs: 50 });
    const sender = await bare();
    const [one, , three] = packets(PCMU, 3) as [Sent, Sent, Sent];
    await sender.post(one.message, socket);
    await sender.post(three.message, socket);
    const chunks = socket[Symbol.asyncIterator]();
    expect((await chunks.next()).value).toMatchObject({ frame: 0, frames: 160 });
    expect((await chunks.next()).value).toMatchObject({ frame: 320, missing: 160 });
  });

  it('drops the oldest audio of a slow reader, and tells it', async () => {
    const socket = await open({ stream: L16, queuedMs: 200, reorderMs: 0 });
    const sender = await bare();
    const sent = packets(L16, 50);
    for (const [i, { message }] of sent.entries()) {
      await sender.post(message, socket);
      if (i % 20 === 19) await came(socket, i + 1);
    }
    await came(socket, 50);
    expect(socket.stats).toMatchObject({ queuedFrames: 3200, droppedFrames: 12_800 });
    const more = packets(L16, 51).at(-1)!;
    const chunks = socket[Symbol.asyncIterator]();
    const { value: first } = await chunks.next();
    expect(plain([first!])).toEqual([
      { frame: 12_800, frames: 320, missing: 12_800, bytes: Array.from(sent[40]!.payload) },
    ]);
    await sender.post(more.message, socket);
    await came(socket, 51);
    await socket.close();
    const rest: StreamChunk[] = [];
    for (let one = await chunks.next(); one.done !== true; one = await chunks.next()) {
      rest.push(one.value);
    }
    expect(plain(rest).map(({ bytes }) => bytes)).toEqual(
      [...sent.slice(41), more].map(({ payload }) => Array.from(payload)),
    );
    expectAccounted(socket, [first!, ...rest]);
  });

  it('only counts garbage, other sources and floods', async () => {
    const random = seededRandom(5);
    const socket = await open({ stream: PCMA, reorderMs: PATIENT_MS });
    const sender = await bare();
    const sent = packets(PCMA, 100);
    const other = packets({ ...PCMA, ssrc: 99 }, 100, 'other');
    const foreign = packets({ ...PCMA, payloadType: 77 }, 100, 'foreign');
    let garbage = 0;
    let strays = 0;
    for (const [i, { message }] of sent.entries()) {
      await sender.post(message, socket);
      for (let n = 0; n < 5; n++) {
        const length = Math.floor(random() * 60);
        const noise = Uint8Array.from({ length }, () => random() * 256);
        // No RTP: its version is another one.
        if (length > 0) noise[0] = noise[0]! & 0x3f;
        await sender.post(noise, socket);
        garbage++;
      }
      await sender.post(other[i]!.message, socket);
      strays++;
      const { stats } = socket;
      await sender.post(foreign[i]!.message.subarray(0, 11), socket);
      garbage++;
      await eventually(
        () => {
          const { receivedPackets, strayPackets, badMessages } = socket.stats;
          expect(receivedPackets + strayPackets + badMessages).toBe(8 * (i + 1));
        },
        { interval: 1 },
      );
      expect(stats.refusedMessages).toBe(0);
    }
    expect(socket.stats).toMatchObject({
      receivedPackets: 100,
      strayPackets: strays,
      badMessages: garbage,
      lostPackets: 0,
    });
    await socket.close();
    expect(plain(await readAll(socket))).toEqual(expected(sent));
  });

  it('takes packets of the addresses that it is told', async () => {
    const socket = await open({ stream: PCMU, from: ['127.0.0.2'], host: '0.0.0.0' });
    const wanted = await bare('127.0.0.2');
    const other = await bare('127.0.0.3');
    const sent = packets(PCMU, 10);
    for (const { message } of sent) {
      await other.post(message, socket);
      await wanted.post(message, socket);
    }
    await came(socket, 10);
    await eventually(() => expect(socket.stats.refusedMessages).toBe(10));
    expect(socket.remote).toEqual({ host: '127.0.0.2', port: wanted.port });
    await socket.close();
    expect(plain(await readAll(socket))).toEqual(expected(sent));
  });

  it('stays with the address that the stream came from first', async () => {
    const socket = await open({ stream: PCMU, host: '0.0.0.0' });
    const first = await bare('127.0.0.2');
    const other = await bare('127.0.0.3');
    await other.post(Uint8Array.of(1, 2, 3), socket);
    await eventually(() => expect(socket.stats.badMessages).toBe(1));
    const sent = packets(PCMU, 6);
    await first.post(sent[0]!.message, socket);
    await came(socket, 1);
    for (const { message } of packets({ ...PCMU, ssrc: 5 }, 6, 'other')) {
      await other.post(message, socket);
    }
    await eventually(() => expect(socket.stats.refusedMessages).toBe(6));
    for (const { message } of sent.slice(1)) await first.post(message, socket);
    await came(socket, 6);
    expect(socket.remote).toEqual({ host: '127.0.0.2', port: first.port });
    await socket.close();
    expect(plain(await readAll(socket))).toEqual(expected(sent));
  });

  it('joins what a sender sends that restarts', async () => {
    const socket = await open({ stream: PCMU, reorderMs: 0 });
    const sender = await bare();
    const before = packets(PCMU, 20, 'before');
    const after = packets({ ...PCMU, ssrc: 7, sequenceOffset: 9, timestampOffset: 5 }, 20, 'after');
    for (const { message } of [...before, ...after]) await sender.post(message, socket);
    await eventually(() => expect(socket.stats.restarts).toBe(1));
    await came(socket, 33);
    await socket.close();
    const chunks = await readAll(socket);
    // The first seven packets of another source may be strays.
    expect(chunks.map(({ bytes }) => Array.from(bytes))).toEqual(
      [...before, ...after.slice(7)].map(({ payload }) => Array.from(payload)),
    );
    expectAccounted(socket, chunks);
  });

  it('sends packets of 20 ms to where the stream comes from', async () => {
    for (const stream of STREAMS) {
      const { payloadType, ...format } = stream;
      const options = payloadType === undefined ? {} : { payloadType };
      const socket = await open({ stream: format, packetBytes: 65_000, ...options });
      const peer = await bare();
      expect(socket.remote).toBeNull();
      const sent = packets(stream, 10);
      expect(socket.send(sent[0]!.payload)).toBe(0);
      await peer.post(sent[0]!.message, socket);
      await came(socket, 1);
      if (stream.format === 'opus') {
        for (const { payload, frames } of sent) expect(socket.send(payload)).toBe(frames);
      } else {
        const all = Uint8Array.from(sent.flatMap(({ payload }) => Array.from(payload)));
        expect(socket.send(all)).toBe(10 * sent[0]!.frames);
      }
      // As a relay does, which has lost 1000 frames before.
      const frame = 10 * sent[0]!.frames + 1000;
      expect(socket.send({ frame, bytes: sent[9]!.payload })).toBe(sent[9]!.frames);
      await eventually(() => expect(peer.messages.length).toBe(11));
      const decoder = rtpFraming.createDecoder(stream);
      const got = peer.messages.flatMap((message) => [...decoder.decode(message)]);
      expect(got.map(({ payload }) => Array.from(payload))).toEqual(
        [...sent, sent[9]!].map(({ payload }) => Array.from(payload)),
      );
      const base = got[0]!.frame;
      expect(got.map((packet) => packet.frame - base)).toEqual([
        ...sent.map((one) => one.frame),
        frame,
      ]);
      expect(socket.stats).toMatchObject({ sentPackets: 11, sentFrames: 11 * sent[0]!.frames });
      expect(() => socket.send({ frame, bytes: sent[9]!.payload })).toThrow(RangeError);
      await socket.close();
      expect(socket.send(sent[0]!.payload)).toBe(0);
    }
  });

  it('keeps packets of samples within the bytes that a network takes', async () => {
    const peer = await bare();
    const remote = { host: 'localhost', port: peer.port };
    const stream = { format: 's16', sampleRate: 48_000, channels: 2 } as const;
    const socket = await open({ stream, remote });
    const bytes = bytesAt('wide', 0, 4800, 4);
    expect(socket.send(bytes)).toBe(4800);
    await eventually(() => expect(peer.messages.length).toBe(Math.ceil(4800 / 350)));
    expect(Math.max(...peer.messages.map(({ length }) => length))).toBe(1400 + 12);
  });

  it('plays samples in order, and tells how many were sent', async () => {
    const peer = await bare();
    const remote = { host: '127.0.0.1', port: peer.port };
    const socket = await open({ stream: L16, remote });
    const all = bytesAt('play', 0, 3000);
    const sizes = [700, 2, 1298, 1000];
    let from = 0;
    const writes = sizes.map((frames) => {
      const bytes = all.subarray(from * 2, (from + frames) * 2);
      from += frames;
      return socket.play(bytes);
    });
    expect(await Promise.all(writes)).toEqual(sizes);
    const decoder = rtpFraming.createDecoder(L16);
    await eventually(() => expect(peer.messages.length).toBe(10));
    const got = peer.messages.flatMap((message) => [...decoder.decode(message)]);
    expect(got.flatMap(({ payload }) => Array.from(payload))).toEqual(Array.from(all));
  });

  it('stops playing: each frame was sent or dropped', async () => {
    const peer = await bare();
    const socket = await open({ stream: PCMU, remote: { host: '127.0.0.1', port: peer.port } });
    const writing = socket.play(new Uint8Array(80_000));
    const after = socket.play(new Uint8Array(160));
    await eventually(() => expect(socket.stats.sentFrames).toBeGreaterThan(160));
    const dropped = socket.stopPlaying();
    const sent = await writing;
    expect(await after).toBe(0);
    expect(sent + dropped).toBe(80_160);
    expect(socket.stats.sentFrames).toBe(sent);
    const rest = socket.play(new Uint8Array(8000));
    await socket.close();
    expect(await rest).toBeLessThan(8000);
    expect(await socket.play(new Uint8Array(160))).toBe(0);
  });

  it.each(['mux', 'port'] as const)('exchanges reports with rtcp: %s', async (rtcp) => {
    const one = await open({ stream: PCMU, rtcp, reportMs: 100 });
    const remote = one.address;
    const two = await open({ stream: PCMU, rtcp, reportMs: 100, remote });
    if (rtcp === 'port') expect(one.address.port % 2).toBe(0);
    await eventually(
      () => {
        two.send(new Uint8Array(160));
        one.send(new Uint8Array(160));
        for (const socket of [one, two]) {
          expect(socket.stats.receivedReports).toBeGreaterThan(3);
          expect(socket.stats.remoteReport?.roundTripMs).toEqual(expect.any(Number));
          expect(socket.stats.remoteReport).toMatchObject({ fractionLost: 0, packetsLost: 0 });
        }
      },
      { interval: 10 },
    );
    expect(one.stats.badMessages + two.stats.badMessages).toBe(0);
    expect(one.stats.strayPackets + two.stats.strayPackets).toBe(0);
  });

  it('reports what was lost to the sender, and which', async () => {
    const socket = await open({ stream: PCMU, rtcp: 'mux', reportMs: 100, reorderMs: 0 });
    const sender = await bare();
    const sent = packets(PCMU, 400);
    const kept = sent.filter((_, i) => i % 4 !== 3);
    for (const { message } of kept) {
      await sender.post(message, socket);
      await wait(1);
    }
    await came(socket, kept.length);
    await wait(120);
    const [last] = packets(PCMU, 401).slice(-1);
    await sender.post(last!.message, socket);
    await eventually(() => {
      const reports = sender.messages.filter((message) => isRtcp(message));
      const [report] = readReports(reports.at(-1)!);
      expect(report).toMatchObject({ type: 'receiver' });
      expect(report!.reports[0]).toMatchObject({ ssrc: 0x1234_5678, packetsLost: 100 });
    });
    const patterns = sender.messages
      .flatMap((message) => readLossPatterns(message))
      .flatMap(({ came }) => Array.from(came));
    expect(patterns.slice(0, 300)).toEqual(
      Array.from({ length: 300 }, (_, i) => (i % 4 === 3 ? 0 : 1)),
    );
  });

  it('replaces lost packets by redundant copies', async () => {
    const socket = await open({ stream: OPUS, reorderMs: PATIENT_MS });
    const sender = await bare();
    const sent = packets(OPUS, 200, 'red', 2);
    const kept = sent.filter((_, i) => i % 5 < 3 || i > 196);
    for (const [i, { message }] of kept.entries()) {
      await sender.post(message, socket);
      if (i % 20 === 19) await came(socket, i + 1);
    }
    await came(socket, kept.length);
    await socket.close();
    const chunks = await readAll(socket);
    expect(plain(chunks)).toEqual(expected(sent));
    expectAccounted(socket, chunks);
    expect(socket.stats).toMatchObject({
      lostPackets: 0,
      recoveredPackets: sent.length - kept.length,
    });
  });

  it('ends for its reader when it is closed, and frees its port', async () => {
    const socket = await open({ stream: PCMU });
    const { port } = socket.address;
    await expect(RtpSocket.open({ stream: PCMU, port })).rejects.toMatchObject({
      name: 'MicwireError',
      code: 'transport',
      message: expect.stringContaining('Another program has the port'),
    });
    const reading = readAll(socket);
    expect(() => socket[Symbol.asyncIterator]()).toThrow(/has a reader/);
    await Promise.all([socket.close(), socket.close()]);
    expect(await reading).toEqual([]);
    expect(socket.address.port).toBe(0);
    const again = await open({ stream: PCMU, port });
    expect(again.address).toEqual({ host: '127.0.0.1', port });
  });

  it('drops what comes after its reader has stopped', async () => {
    const socket = await open({ stream: PCMU, reorderMs: 0 });
    const sender = await bare();
    const sent = packets(PCMU, 20);
    for (const { message } of sent) await sender.post(message, socket);
    await came(socket, 20);
    for await (const { frame } of socket) if (frame === 320) break;
    expect(socket.stats).toMatchObject({ deliveredFrames: 480, droppedFrames: 17 * 160 });
    await sender.post(packets(PCMU, 21).at(-1)!.message, socket);
    await came(socket, 21);
    expect(socket.stats).toMatchObject({
      receivedFrames: 21 * 160,
      deliveredFrames: 480,
      droppedFrames: 18 * 160,
      queuedFrames: 0,
    });
  });

  it('refuses options that are wrong', async () => {
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{}, /stream must be an object/],
      [{ stream: { ...L16, format: 'f32' } }, /RTP has no payload format for 'f32'/],
      [{ stream: L16, prot: 1 }, /no option 'prot'. Did you mean 'port'/],
      [{ stream: L16, port: 65_536 }, /port must/],
      [{ stream: L16, port: 65_535, rtcp: 'port' }, /port must/],
      [{ stream: L16, host: 'localhost' }, /host must be an IP address, got 'localhost'/],
      [{ stream: L16, from: ['localhost'] }, /from must list IP addresses/],
      [{ stream: L16, from: 'last' }, /from must be/],
      [{ stream: L16, remote: { host: '127.0.0.1' } }, /remote must be an object/],
      [{ stream: L16, remote: { host: '127.0.0.1', port: 0 } }, /remote.port must/],
      [{ stream: L16, remote: { host: '::1', port: 9 } }, /has no IPv4 address/],
      [{ stream: L16, payloadType: 128 }, /payloadType must/],
      [{ stream: L16, payloadType: 112 }, /must differ from redPayloadType/],
      [{ stream: L16, rtcp: true }, /rtcp must be/],
      [{ stream: L16, reorderMs: -1 }, /reorderMs must/],
      [{ stream: L16, host: '192.0.2.1' }, /not one of this machine/],
    ];
    for (const [options, message] of wrong) {
      await expect(RtpSocket.open(options as RtpSocketOptions)).rejects.toThrow(message);
    }
    const socket = await open({ stream: L16 });
    expect(() => socket.send(new Uint8Array(3))).toThrow(/frames of 2 bytes, got 3/);
    expect(() => socket.play(new Uint8Array(3))).toThrow(/frames of 2 bytes, got 3/);
    expect(() => socket.sdp).toThrow(/remote address is not known/);
    const opus = await open({ stream: OPUS });
    expect(() => opus.send(new Uint8Array(0))).toThrow(RangeError);
    expect(() => opus.play(new Uint8Array(2))).toThrow(TypeError);
  });
});

describe('RtpReception', () => {
  it('accounts for every frame, whatever comes', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(seed);
      const stream = STREAMS[seed % STREAMS.length]!;
      let end = 0;
      let given = 0;
      let missingFrames = 0;
      let nowMs = 0;
      const reception = new RtpReception(
        stream,
        {
          reorderMs: random() * 200,
          maxBytes: 1e5,
          reports: { intervalMs: 100, reporter: 9, cname: 'test' },
        },
        {
          audio(frame, frames, bytes, missing) {
            expect(frame).toBe(end + missing);
            expect(missing).toBeGreaterThanOrEqual(0);
            expect(frames).toBeGreaterThan(0);
            expect(bytes.length).toBeGreaterThan(0);
            end = frame + frames;
            given += frames;
            missingFrames += missing;
          },
          report: (bytes) => expect(readReports(bytes).length).toBe(1),
        },
      );
      const sent = packets(stream, 60, `fuzz ${seed}`, seed % 3);
      let messages = 0;
      for (let i = 0; i < 2000; i++) {
        const source = sent[Math.floor(random() * sent.length)]!.message;
        const message = random() < 0.5 ? source : mutateBytes(source, random);
        nowMs += random() * 20;
        reception.receive(message, nowMs);
        messages++;
        const { received, strays, bad, lost, late, duplicates } = reception.counts;
        // A message that is kept until the next one confirms it is a stray until then.
        expect(received + strays + bad).toBe(messages);
        for (const count of [lost, late, duplicates]) expect(count).toBeGreaterThanOrEqual(0);
        // It holds no more than 100 kB, and one packet.
        expect(reception.waitingFrames).toBeLessThan(1e6);
      }
      reception.flush();
      expect(reception.waitingFrames).toBe(0);
      expect(given + missingFrames).toBe(end);
      expect(given).toBeGreaterThan(0);
    }
  }, 60_000);
});

describe('ReorderWindow', () => {
  const packet = (sequence: number, redundant = false) =>
    ({
      ...PCMU,
      sequence,
      frame: sequence * 160,
      frames: 160,
      timestamp: 0,
      dropped: 0,
      payload: new Uint8Array(160),
      ...(redundant ? { redundant: true as const } : {}),
    }) as const;

  it('gives each packet in order, at once where nothing is missing, else when the time is over', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed);
      const windowMs = Math.floor(random() * 200);
      const window = new ReorderWindow(windowMs, 1e6);
      const arrivals = Array.from({ length: 120 }, (_, sequence) => ({
        sequence,
        atMs: sequence * 20 + random() * 150,
        isLost: random() < 0.1,
      }))
        .filter(({ isLost }) => !isLost)
        .sort((a, b) => a.atMs - b.atMs);
      const atMs = new Map(arrivals.map((one) => [one.sequence, one.atMs]));
      const given: number[] = [];
      const drain = (nowMs: number): void => {
        for (let one = window.next(nowMs); one !== null; one = window.next(nowMs)) {
          given.push(one.sequence);
          const waited = nowMs - atMs.get(one.sequence)!;
          expect(waited).toBeLessThanOrEqual(windowMs + 1e-6);
          const hasGap = given.length === 1 || given.at(-2) !== one.sequence - 1;
          // Something behind it was waiting for as long as it may.
          if (hasGap) expect(nowMs).toBeGreaterThanOrEqual(Math.min(...oldest()) + windowMs - 1e-6);
        }
      };
      let taken: number[] = [];
      const oldest = (): number[] => taken.filter((s) => !before.has(s)).map((s) => atMs.get(s)!);
      const before = new Set<number>();
      for (const arrival of arrivals) {
        for (let due = window.dueMs; due !== null && due <= arrival.atMs; due = window.dueMs) {
          given.forEach((s) => before.add(s));
          drain(due);
        }
        taken = [...taken, arrival.sequence];
        given.forEach((s) => before.add(s));
        window.take(packet(arrival.sequence), arrival.atMs);
        drain(arrival.atMs);
      }
      for (let one = window.flush(); one !== null; one = window.flush()) given.push(one.sequence);
      expect(given).toEqual([...given].sort((a, b) => a - b));
      const { late, lost, duplicates } = window.counts;
      expect(given.length + late).toBe(arrivals.length);
      expect(duplicates).toBe(0);
      expect(given.length + lost).toBe(given.at(-1)! - given[0]! + 1);
      expect(window.dueMs).toBeNull();
      expect(window.waitingFrames).toBe(0);
    }
  });

  it('does not take a copy for a duplicate, nor a packet that came after its copy for a loss', () => {
    const window = new ReorderWindow(100, 1e6);
    window.take(packet(0), 0);
    expect(window.next(100)?.sequence).toBe(0);
    expect(window.take(packet(1, true), 110)).toBe(true);
    expect(window.take(packet(0, true), 110)).toBe(false);
    expect(window.counts).toMatchObject({ recovered: 1, duplicates: 0 });
    window.take(packet(1), 111);
    expect(window.counts).toMatchObject({ recovered: 0, duplicates: 0 });
    expect(window.next(111)?.redundant).toBeUndefined();
    window.take(packet(1), 112);
    expect(window.counts).toMatchObject({ recovered: 0, duplicates: 1, lost: 0 });
  });

  it('holds no more than it may', () => {
    const window = new ReorderWindow(1e9, 160 * 10);
    const given: number[] = [];
    for (let sequence = 0; sequence < 1000; sequence++) {
      window.take(packet(2 * sequence), sequence);
      for (let one = window.next(sequence); one !== null; one = window.next(sequence)) {
        given.push(one.sequence);
      }
      expect(window.waitingFrames).toBeLessThanOrEqual(160 * 10);
    }
    expect(given.length).toBe(990);
  });
});

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
