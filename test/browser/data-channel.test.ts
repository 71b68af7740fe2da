import { DataChannelTransport } from 'micwire';
import type { DataChannelLike, Transport, WaterMarkOptions } from 'micwire';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HAS_WEBRTC, twoCalls } from '../helpers/call-page.ts';
import { describeTransport } from '../helpers/transport-contract.ts';

/** A channel of a call with this page whose other end sends everything back. */
function echoedChannel(reliable: boolean): { channel: RTCDataChannel; connected: Promise<void> } {
  const [caller, callee] = twoCalls({ receive: false }, { receive: false });
  const channel = caller.createDataChannel({ reliable });
  const other = callee.createDataChannel({ reliable });
  other.onmessage = ({ data }) => other.send(data);
  const connected = caller.connect();
  // A test may end before.
  void Promise.allSettled([connected, callee.connect()]);
  return { channel, connected };
}

// On a sound network an unreliable channel keeps the contract as well.
for (const reliable of HAS_WEBRTC ? [true, false] : []) {
  describeTransport(
    `data channel, ${reliable ? 'reliable' : 'sent once'}`,
    async (options?: WaterMarkOptions): Promise<Transport> =>
      new DataChannelTransport(echoedChannel(reliable).channel, options),
  );
}

describe.runIf(HAS_WEBRTC)('a data channel', () => {
  it('tells when the other side is gone', async () => {
    const [caller, callee] = twoCalls({ receive: false }, { receive: false });
    const transport = new DataChannelTransport(caller.createDataChannel());
    callee.createDataChannel();
    await Promise.all([caller.connect(), callee.connect()]);
    await expect.poll(() => transport.status.state).toBe('open');
    callee.close();
    await expect.poll(() => transport.status.state).toBe('closed');
    expect(transport.status.reason).toContain('The other side');
    expect(transport.send('late')).toBe(false);
  });

  it('drops what is longer than the other side takes', async () => {
    const { channel } = echoedChannel(true);
    const transport = new DataChannelTransport(channel, { highWaterBytes: 2 ** 24 });
    onTestFinished(() => transport.close());
    await expect.poll(() => transport.status.state).toBe('open');
    expect(transport.send(new Uint8Array(2 ** 23))).toBe(false);
    expect(transport.stats.droppedMessages).toBe(1);
    expect(transport.status.state).toBe('open');
  });

  it('carries packets from a Worker where the engine can transfer it', async () => {
    const worker = new Worker(new URL('data-channel-worker.ts', import.meta.url), {
      type: 'module',
    });
    onTestFinished(() => worker.terminate());
    // The Worker has to be there before: a channel can be transferred only in the task that made it.
    await new Promise((resolve) => {
      worker.onmessage = resolve;
    });
    const { channel, connected } = echoedChannel(false);
    try {
      worker.postMessage(channel, [channel as unknown as Transferable]);
    } catch (error) {
      expect((error as Error).name).toMatch(/DataCloneError|TypeError/);
      expect(navigator.userAgent).not.toContain('Chrome');
      return;
    }
    const back = await new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
    expect(back).toEqual(Uint8Array.of(1, 2, 3));
    await connected;
  });

  it('may be closed already when the transport gets it', async () => {
    const closed: DataChannelLike = {
      binaryType: 'blob',
      readyState: 'closed',
      bufferedAmount: 0,
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
      send() {},
      close() {},
    };
    const transport = new DataChannelTransport(closed);
    expect(transport.status.state).toBe('connecting');
    await expect.poll(() => transport.status.state).toBe('closed');
  });
});
