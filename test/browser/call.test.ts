import { Call, DataChannelTransport, memorySignalling } from 'micwire';
import type { CallOptions, TransportMessage } from 'micwire';
import { afterEach, describe, expect, it } from 'vitest';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function tone(): Promise<{ context: AudioContext; track: MediaStreamTrack }> {
  const context = new AudioContext({ sampleRate: 48_000 });
  cleanups.push(() => context.close());
  await context.resume();
  const oscillator = context.createOscillator();
  const destination = context.createMediaStreamDestination();
  destination.channelCount = 1;
  oscillator.connect(destination);
  oscillator.start();
  return { context, track: destination.stream.getAudioTracks()[0]! };
}

function callWithOneself(
  callerOptions: CallOptions,
  calleeOptions: CallOptions = {},
): [caller: Call, callee: Call] {
  const [a, b] = memorySignalling();
  const caller = new Call(a, callerOptions);
  const callee = new Call(b, calleeOptions);
  cleanups.push(
    () => caller.close(),
    () => callee.close(),
  );
  return [caller, callee];
}

describe('a call within a page', () => {
  it('connects, brings sound and data, and tells its steps', async () => {
    const { track, context } = await tone();
    const [caller, callee] = callWithOneself({ track, receive: false });
    const sending = new DataChannelTransport(caller.createDataChannel());
    const receiving = new DataChannelTransport(callee.createDataChannel());
    const received: TransportMessage[] = [];
    receiving.onmessage = (message) => received.push(message);
    await Promise.all([caller.connect(), callee.connect()]);
    callee.createSource(context).connect(context.destination);
    expect(sending.send(Uint8Array.of(1, 2, 3))).toBe(true);
    await expect.poll(() => received.length).toBe(1);
    await expect.poll(() => callee.steps.find(({ name }) => name === 'media')?.state).toBe('done');
    await expect
      .poll(async () => (await callee.stats()).totalSamplesReceived)
      .toBeGreaterThan(9600);
    const figures = await callee.stats();
    expect(figures.receiveCodec).toBe('audio/opus');
  });
});
