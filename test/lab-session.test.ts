import type { Packet } from 'micwire';
import { FRAMINGS } from 'micwire';
import { isRtcp } from 'micwire/rtp';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { LaneEvent, Protection } from '../demo/lanes/lane-messages.ts';
import { LaneSession } from '../demo/worker/lane-session.ts';
import { seededRandom } from './helpers/random.ts';

/*
 * What the Worker of a lane does with packets of Opus that the capture has encoded.
 */

const SAMPLE_RATE = 48_000;
const FRAMES = 960;

/** One frame of CELT, full band, 20 ms (RFC 6716 §3.1), as far as its first byte goes. */
function opusPacket(sequence: number): Uint8Array {
  const bytes = new Uint8Array(40).fill(sequence);
  bytes[0] = 31 << 3;
  return bytes;
}

/** Packets of a capture, a new one every 20 ms of `time`. */
async function* packets(count: number, time: { ms: number }, settle: () => Promise<void>) {
  for (let sequence = 0; sequence < count; sequence++) {
    const bytes = opusPacket(sequence);
    const frame = sequence * FRAMES;
    const place = { sequence, frame, frames: FRAMES, timestamp: sequence * 20_000, dropped: 0 };
    yield { ...place, format: 'opus', sampleRate: SAMPLE_RATE, channels: 1, bytes, payload: bytes };
    time.ms += 20;
    await settle();
  }
}

/** A session, and a network that loses a share of what it is given. */
function session(lossRatio: number, bitrate = 32_000, protection: Protection = 'adaptive') {
  const time = { ms: 0 };
  vi.spyOn(performance, 'now').mockImplementation(() => time.ms);
  const { port1, port2 } = new MessageChannel();
  const told: LaneEvent[] = [];
  const random = seededRandom(11);
  const arrived: Packet[] = [];
  const stream = { format: 'opus', sampleRate: SAMPLE_RATE, channels: 1 } as const;
  const decoder = FRAMINGS.rtp.createDecoder(stream);
  let echoes = 0;
  port2.onmessage = ({ data }: MessageEvent<Uint8Array<ArrayBuffer>>) => {
    echoes++;
    if (!isRtcp(data) && random() < lossRatio) return;
    if (!isRtcp(data)) arrived.push(...decoder.decode(data));
    port2.postMessage(data);
  };
  const lane = new LaneSession(
    {
      format: 'opus',
      sampleRate: SAMPLE_RATE,
      framing: 'rtp',
      protection,
      settings: {
        chunkDurationMs: 20,
        bitrate,
        complexity: 9,
        copies: 'adaptive',
        latencyCost: 0.5,
      },
      opus: null,
      wire: { type: 'relay', port: port1, network: null },
    },
    (event) => told.push(event),
  );
  onTestFinished(() => {
    vi.restoreAllMocks();
    port1.close();
    port2.close();
  });
  /** Lets what was sent arrive, and what came of it. */
  const settle = async () => {
    const sent = echoes;
    await new Promise((resolve) => setImmediate(resolve));
    if (echoes !== sent) await settle();
  };
  const run = async (count: number) => {
    port2.postMessage({ state: 'open', reason: '' });
    await expect.poll(() => told).toContainEqual({ type: 'state', state: 'running', reason: '' });
    await lane.send(packets(count, time, settle) as never);
    await settle();
    await settle();
  };
  return { lane, told, run, arrived };
}

it('sends the capture’s own packets, numbers those that leave, and counts them', async () => {
  const { lane, run, arrived } = session(0);
  await run(60);
  await expect.poll(() => lane.counts.packetsReceived).toBe(60);
  expect(arrived.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  expect(arrived[7]!.payload).toEqual(opusPacket(7));
  expect(lane.counts).toMatchObject({
    packetsSent: 60,
    packetsLost: 0,
    payloadBytes: 60 * 40,
    copiesSent: 0,
    encodedSeconds: 1.2,
  });
});

it('repeats packets when its receiver reports losses', async () => {
  const { lane, run } = session(0.2);
  await run(500);
  expect(lane.counts.copiesSent).toBeGreaterThan(100);
});

it.each([
  ['there is no room for copies', 250_000, 'adaptive'],
  ['error correction is all there is to be', 32_000, 'fec'],
] as const)(
  'reports the loss to the capture’s encoder where %s',
  async (_, bitrate, protection) => {
    const { lane, told, run } = session(0.2, bitrate, protection);
    await run(500);
    expect(lane.counts.copiesSent).toBe(0);
    const losses = told.flatMap((event) =>
      event.type === 'expect-loss' ? [event.expectedLossPercent] : [],
    );
    expect(Math.max(...losses)).toBeGreaterThan(0);
    expect(losses.every((loss, i) => loss !== (losses[i - 1] ?? 0))).toBe(true);
  },
);
