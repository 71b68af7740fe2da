import { DataChannelTransport } from 'micwire';
import type { Transport, TransportOptions } from 'micwire';
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

if (HAS_WEBRTC) {
  describeTransport('data channel', async (options?: TransportOptions): Promise<Transport> =>
    DataChannelTransport.create(echoedChannel(true).channel, options),
  );
}

describe.runIf(HAS_WEBRTC)('a data channel', () => {
  it('reports when the other side is gone', async () => {
    const [caller, callee] = twoCalls({ receive: false }, { receive: false });
    const transport = DataChannelTransport.create(caller.createDataChannel());
    callee.createDataChannel();
    await Promise.all([caller.connect(), callee.connect()]);
    await expect.poll(() => transport.status.state).toBe('open');
    void callee.close();
    await expect.poll(() => transport.status.state).toBe('closed');
    expect(transport.status.reason).toContain('The other side');
    expect(transport.send('late')).toBe(false);
  });

  it('without retransmissions loses nothing on a clean network, and holds nothing back', async () => {
    const { channel } = echoedChannel(false);
    expect([channel.ordered, channel.maxRetransmits]).toEqual([false, 0]);
    const transport = DataChannelTransport.create(channel);
    onTestFinished(() => transport.close());
    await expect.poll(() => transport.status.state).toBe('open');
    const back = new Set<number>();
    transport.addEventListener('message', ({ data: message }) =>
      back.add((message as Uint8Array)[0]!),
    );
    for (let i = 0; i < 50; i++) expect(transport.send(new Uint8Array(100).fill(i))).toBe(true);
    await expect.poll(() => back.size).toBe(50);
  });

  it('carries packets from a Worker if the engine can transfer it', async () => {
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
});
