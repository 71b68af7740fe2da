import { describe, expect, it } from 'vitest';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import { readLossPatterns } from '../src/core/rtp/loss-pattern.ts';
import { isRtcp, readReports } from '../src/core/rtp/rtcp.ts';
import type { StreamChunk } from '../src/node/accepted-stream.ts';
import { RtpSocket } from '../src/node/rtp-socket.ts';
import type { RtpSocketOptions } from '../src/node/rtp-socket.ts';
import { busy } from './helpers/busy.ts';
import { eventually } from './helpers/eventually.ts';
import { seededRandom } from './helpers/random.ts';
import { bytesAt } from './helpers/stream-client.ts';
import {
  L16,
  PCMU,
  PCMA,
  OPUS,
  STREAMS,
  PATIENT_MS,
  wait,
  open,
  bare,
  packets,
  readAll,
  plain,
  expected,
  expectAccounted,
  came,
} from './helpers/rtp-socket-rig.ts';
import type { Sent } from './helpers/rtp-socket-rig.ts';

describe('RtpSocket', () => {
  it.each(STREAMS)('delivers each byte of %o', async (stream) => {
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

  it('restores the order of packets that were lost, reordered and doubled, in any combination', async () => {
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

  it('counts a packet that is too late, and reports it as missing', async () => {
    const socket = await open({ stream: PCMU, reorderMs: 0 });
    const sender = await bare();
    const [one, two, three] = packets(PCMU, 3) as [Sent, Sent, Sent];
    for (const { message } of [one, three, two, two]) await sender.post(message, socket);
    await came(socket, 4);
    await socket.close();
    expect(plain(await readAll(socket))).toEqual(expected([one, three]));
    expect(socket.stats).toMatchObject({ lostPackets: 1, latePackets: 2, duplicatePackets: 0 });
  });

  it('gives up a packet when its time is over, without waiting for another one', async () => {
    const socket = await open({ stream: PCMU, reorderMs: 50 });
    const sender = await bare();
    const [one, , three] = packets(PCMU, 3) as [Sent, Sent, Sent];
    await sender.post(one.message, socket);
    await sender.post(three.message, socket);
    const chunks = socket[Symbol.asyncIterator]();
    expect((await chunks.next()).value).toMatchObject({ frame: 0, frames: 160 });
    expect((await chunks.next()).value).toMatchObject({ frame: 320, missing: 160 });
  });

  it('takes a packet that came while this process was busy for longer than it waits', async () => {
    const socket = await open({ stream: PCMU, reorderMs: 200 });
    const sender = await bare();
    const [one, two, three] = packets(PCMU, 3) as [Sent, Sent, Sent];
    await sender.post(one.message, socket);
    await sender.post(three.message, socket);
    await came(socket, 2);
    const posted = sender.post(two.message, socket);
    // Node looks its address up first.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    busy(250);
    await posted;
    await came(socket, 3);
    expect(socket.stats).toMatchObject({ lostPackets: 0, latePackets: 0, reorderedPackets: 1 });
  });

  it('drops the oldest audio of a slow reader, and reports it', async () => {
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

  it('only counts garbage, other sources and packets beyond its limits', async () => {
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

  it('accepts packets only from the given addresses', async () => {
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

  it('keeps the address that the stream first came from', async () => {
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

  it('joins the stream of a sender that restarts', async () => {
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

  it('sends packets of 20 ms to the address of the stream', async () => {
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

  it('keeps packets of samples within the size that a network carries', async () => {
    const peer = await bare();
    const remote = { host: 'localhost', port: peer.port };
    const stream = { format: 's16', sampleRate: 48_000, channels: 2 } as const;
    const socket = await open({ stream, remote });
    const bytes = bytesAt('wide', 0, 4800, 4);
    expect(socket.send(bytes)).toBe(4800);
    await eventually(() => expect(peer.messages.length).toBe(Math.ceil(4800 / 350)));
    expect(Math.max(...peer.messages.map(({ length }) => length))).toBe(1400 + 12);
  });

  it('plays samples in order, and reports how many were sent', async () => {
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

  it('reports to the sender which packets were lost', async () => {
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

  it('drops audio that arrives after its reader has stopped', async () => {
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
      [
        { stream: L16, payloadType: 64, rtcp: 'mux' },
        /payloadType must not be from 64 to 95.*got 64/,
      ],
      [{ stream: L16, redPayloadType: 95, rtcp: 'mux' }, /redPayloadType must not.*got 95/],
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
