import { expect, it } from 'vitest';
import { DataChannelTransport } from '../src/web/transport/data-channel.ts';
import { FakeDataChannel } from './helpers/fake-data-channel.ts';

// The contract runs in test/transport.test.ts, and over real channels in test/browser/data-channel.test.ts.

async function open(): Promise<[DataChannelTransport, FakeDataChannel]> {
  const channel = new FakeDataChannel();
  const transport = DataChannelTransport.create(channel, { highWaterBytes: 2 ** 20 });
  await expect.poll(() => transport.status.state).toBe('open');
  return [transport, channel];
}

it('drops and counts a message that exceeds the limit of the other side', async () => {
  const [transport] = await open();
  expect(transport.send(new Uint8Array(2 ** 18 + 1))).toBe(false);
  expect(transport.stats).toMatchObject({ droppedMessages: 1, sentMessages: 0 });
  expect(transport.status.state).toBe('open');
});

it('ends when the other side does, and gives the reason', async () => {
  const [transport, channel] = await open();
  const reasons: string[] = [];
  transport.addEventListener('statechange', () => {
    const { state, reason } = transport.status;
    reasons.push(`${state}: ${reason}`);
  });
  channel.close();
  await expect
    .poll(() => reasons)
    .toEqual(['closed: The other side closed the channel, or is gone.']);
});

it('rejects a waiting sender when the other side is gone for good, with the reason', async () => {
  const channel = new FakeDataChannel();
  channel.close();
  const transport = DataChannelTransport.create(channel);
  await expect(transport.opened).rejects.toMatchObject({
    code: 'transport',
    message: 'The channel was closed before.',
  });
});

it('accepts a channel that is open already, and reports it in a later task', async () => {
  const channel = new FakeDataChannel();
  await expect.poll(() => channel.readyState).toBe('open');
  const transport = DataChannelTransport.create(channel);
  expect(transport.status.state).toBe('connecting');
  await expect.poll(() => transport.status.state).toBe('open');
});

it('accepts a channel that is closed already, and reports it in a later task', async () => {
  const channel = new FakeDataChannel();
  channel.close();
  const transport = DataChannelTransport.create(channel);
  expect(transport.status.state).toBe('connecting');
  await expect.poll(() => transport.status.state).toBe('closed');
});
