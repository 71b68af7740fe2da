import { afterEach, expect, it } from 'vitest';
import { RelayedChannels } from '../demo/lanes/lane-calls.ts';
import { LossReporter } from '../src/core/rtp/loss-reporter.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { FakeDataChannel } from './helpers/fake-data-channel.ts';

const STREAM = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;

let relay: RelayedChannels | undefined;

afterEach(() => {
  relay?.close();
  relay?.port.close();
});

/** A channel that notes what is sent by it. */
class NotingChannel extends FakeDataChannel {
  readonly sent: Uint8Array[] = [];

  override send(data: string | Uint8Array<ArrayBuffer>): void {
    super.send(data);
    if (typeof data !== 'string') this.sent.push(data.slice());
  }
}

it('carries audio from the sender’s end, and reports about it from the receiver’s', async () => {
  const [sender, receiver] = [new NotingChannel(), new NotingChannel()];
  const channels = { sender, receiver } as unknown as Record<'sender' | 'receiver', RTCDataChannel>;
  relay = new RelayedChannels(channels);
  const states: unknown[] = [];
  relay.port.onmessage = ({ data }) => states.push(data);
  await expect.poll(() => states.length).toBeGreaterThan(0);
  const packet: Packet = {
    ...STREAM,
    sequence: 0,
    frame: 0,
    frames: 960,
    timestamp: 0,
    dropped: 0,
    payload: Uint8Array.of(31 << 3, 1, 2, 3),
  };
  const reporter = new LossReporter(STREAM);
  reporter.receive(packet, 0);
  const report = reporter.receive({ ...packet, sequence: 1, frame: 960 }, 1000)!;
  const sound = rtpFraming.createEncoder(STREAM).encode(packet);
  relay.port.postMessage(sound);
  relay.port.postMessage(report);
  await expect.poll(() => [sender.sent.length, receiver.sent.length]).toEqual([1, 1]);
  expect(sender.sent[0]).toEqual(sound);
  expect(receiver.sent[0]).toEqual(report);
});
