/** What the page about data channels of the lab's view Learn is made from. */
import { describe, expect, it } from 'vitest';
import {
  BURST_BYTES,
  BurstLog,
  HIGH_BYTES,
  MESSAGE_BYTES,
  sendBurst,
} from '../demo/learn/burst-log.ts';
import type { ChannelChoice } from '../demo/learn/channel-open.ts';
import { channelInit, openMessage } from '../demo/learn/channel-open.ts';
import { KEPT_MS, MISSING_MS, PingLog } from '../demo/measure/ping-log.ts';

const CHOICE: ChannelChoice = {
  ordered: true,
  reliability: 'all',
  limit: 0,
  label: 'ä',
  protocol: '',
};

describe('DATA_CHANNEL_OPEN', () => {
  it.each([
    ['all', true, 0x00],
    ['all', false, 0x80],
    ['retransmits', true, 0x01],
    ['retransmits', false, 0x81],
    ['lifetime', true, 0x02],
    ['lifetime', false, 0x82],
  ] as const)(
    'has the channel type of RFC 8832 §8.2.2: %s, ordered %s',
    (reliability, ordered, type) => {
      const { bytes } = openMessage({ ...CHOICE, reliability, ordered, limit: 500 });
      // Type, channel type, priority, reliability parameter, lengths of label and protocol; the label.
      const parameter = reliability === 'all' ? [0, 0] : [0x01, 0xf4];
      const expected = [3, type, 1, 0, 0, 0, ...parameter, 0, 2, 0, 0, 0xc3, 0xa4];
      expect([...bytes]).toEqual(expected);
    },
  );

  it('has fields that cover it, in order and without gaps', () => {
    const { bytes, fields } = openMessage({ ...CHOICE, protocol: 'opus' });
    let end = 0;
    for (const { offset, length, meaning, name } of fields) {
      expect(offset, name).toBe(end);
      expect(meaning, name).not.toBe('');
      end += length;
    }
    expect(end).toBe(bytes.length);
    expect(fields.at(-1)).toMatchObject({ name: 'Protocol', value: 'opus', length: 4 });
  });

  it('carries the options of createDataChannel, never both limits', () => {
    expect(channelInit(CHOICE)).toEqual({ ordered: true });
    const once = { ...CHOICE, ordered: false, protocol: 'opus' };
    expect(channelInit({ ...once, reliability: 'retransmits' })).toEqual({
      ordered: false,
      protocol: 'opus',
      maxRetransmits: 0,
    });
    expect(channelInit({ ...once, reliability: 'lifetime', limit: 50 })).toEqual({
      ordered: false,
      protocol: 'opus',
      maxPacketLifeTime: 50,
    });
  });
});

describe('the pings of a channel', () => {
  it('are back, overtaken or missing', () => {
    const log = new PingLog();
    for (let i = 0; i < 4; i++) expect(log.send(100 * i)).toBe(i);
    log.returned(0, 60);
    log.returned(2, 300);
    log.returned(1, 400);
    expect(log.counts(500)).toEqual({ sent: 4, back: 3, missing: 0, overtaken: 1 });
    expect(log.times).toEqual({ medianMs: 100, worstMs: 300 });
    expect(log.counts(300 + MISSING_MS + 1).missing).toBe(1);
    // Twice is once, and nobody asked for this one.
    log.returned(1, 900);
    log.returned(99, 900);
    expect(log.counts(900).back).toBe(3);
  });

  it('still count after they are discarded', () => {
    const log = new PingLog();
    expect(log.times).toBeNull();
    log.send(0);
    log.returned(log.send(10), 20);
    const nowMs = KEPT_MS + 100;
    log.send(nowMs);
    expect(log.pings.map(({ sequence }) => sequence)).toEqual([2]);
    expect(log.counts(nowMs)).toEqual({ sent: 3, back: 1, missing: 1, overtaken: 0 });
  });
});

describe('a burst', () => {
  const channel = () => ({
    bufferedAmount: 0,
    messages: 0,
    send(data: Uint8Array<ArrayBuffer>): void {
      this.bufferedAmount += data.length;
      this.messages++;
    },
  });

  it('is sent at once, or pauses when the buffer is full and continues', () => {
    const all = channel();
    expect(sendBurst(all, BURST_BYTES, 'at-once')).toBe(0);
    expect(all.bufferedAmount).toBe(BURST_BYTES);
    expect(all.messages).toBe(BURST_BYTES / MESSAGE_BYTES);
    const paced = channel();
    let left = sendBurst(paced, BURST_BYTES, 'paced');
    expect(paced.bufferedAmount).toBe(HIGH_BYTES);
    expect(left).toBe(BURST_BYTES - HIGH_BYTES);
    let rounds = 1;
    while (left > 0) {
      paced.bufferedAmount = 0;
      left = sendBurst(paced, left, 'paced');
      rounds++;
    }
    expect(rounds).toBe(BURST_BYTES / HIGH_BYTES);
    // The last message takes what is left.
    const rest = channel();
    sendBurst(rest, MESSAGE_BYTES + 1, 'paced');
    expect(rest.bufferedAmount).toBe(MESSAGE_BYTES + 1);
  });

  it('is done when all bytes have arrived, and records its peak', () => {
    const log = new BurstLog('paced');
    log.add({ atMs: 0, buffered: 900, received: 0 });
    log.add({ atMs: 20, buffered: 100, received: BURST_BYTES - 1 });
    expect(log.doneMs).toBeNull();
    log.add({ atMs: 40, buffered: 0, received: BURST_BYTES });
    log.add({ atMs: 60, buffered: 0, received: BURST_BYTES });
    expect(log.doneMs).toBe(40);
    expect(log.peakBytes).toBe(900);
  });
});
