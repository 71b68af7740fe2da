import { Playout, loadOpusModule } from 'micwire';
import { OpusDecoder, OpusEncoder, OpusLibrary, encodeBase64 } from 'micwire/codec';
import { beforeAll, expect, test } from 'vitest';
import { decodeAll, encodeAll } from '../helpers/codec-stream.ts';
import { snrDb } from '../helpers/snr.ts';
import { voice } from '../helpers/voice.ts';
import { eventually } from '../helpers/eventually.ts';

const FRAMES = 48_000;
const signal = voice(FRAMES);
let packets: Uint8Array[];
let preSkip: number;
/** What all packets decode to. */
let whole: Float32Array;
beforeAll(async () => {
  const library = new OpusLibrary(await loadOpusModule());
  const options = {
    bitrate: 64_000,
    fec: true,
    expectedLossPercent: 20,
    signalType: 'voice',
  } as const;
  const encoder = new OpusEncoder(library, { ...options, sampleRate: 48_000, channels: 1 });
  preSkip = encoder.latencyFrames;
  packets = encodeAll(encoder, [signal]);
  const decoder = new OpusDecoder(library, { sampleRate: 48_000, channels: 1, preSkip });
  whole = decodeAll(decoder, packets, 960)[0]!;
});

async function play(write: (playout: Playout) => number): Promise<Float32Array> {
  const context = new OfflineAudioContext(1, FRAMES, 48_000);
  const playout = await Playout.create(context, {
    format: 'opus',
    sampleRate: 48_000,
    preSkip,
    backlog: 'keep',
  });
  playout.connect(context.destination);
  const frames = write(playout);
  playout.end();
  await eventually(() => expect(playout.stats.receivedFrames).toBe(frames));
  return (await context.startRendering()).getChannelData(0);
}

test('packets, some as Base64, decode to the encoded audio without the look-ahead', async () => {
  const heard = await play((playout) => {
    let frames = 0;
    for (const [i, packet] of packets.entries()) {
      frames += playout.write(i % 2 ? packet : encodeBase64(packet));
    }
    expect(playout.decoding).toEqual({ badPackets: 0, concealedFrames: 0, recoveredFrames: 0 });
    return frames;
  });
  expect(whole.length).toBe(packets.length * 960 - preSkip);
  expect([...heard.subarray(0, whole.length)]).toEqual([...whole]);
});

test('lost packets are concealed in place, bad ones are counted, and time continues', async () => {
  const heard = await play((playout) => {
    let frames = 0;
    let lostFrames = 0;
    for (const [i, packet] of packets.entries()) {
      if (i % 10 === 7) {
        lostFrames += 960;
        continue;
      }
      const bytes = i % 10 === 3 ? Uint8Array.of(0xff) : packet;
      frames += playout.write(bytes, { lostFrames });
      lostFrames = 0;
    }
    expect(playout.decoding!.badPackets).toBe(5);
    expect(playout.decoding!.recoveredFrames).toBeGreaterThan(0);
    const { concealedFrames, recoveredFrames } = playout.decoding!;
    expect(concealedFrames + recoveredFrames).toBe(10 * 960);
    return frames;
  });
  // The last packets are whole: were the time off, nothing would match.
  const from = 48 * 960 + 480 - preSkip;
  const end = 50 * 960 - preSkip;
  expect(snrDb(whole.subarray(from, end), heard.subarray(from, end))).toBeGreaterThan(6);
});
