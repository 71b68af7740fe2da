/** What the page about RTP of the lab's view Learn is made from. */
import { describe, expect, it } from 'vitest';
import {
  FLOW_DELAY_MS,
  FLOW_PACKET_MS,
  FlowNetwork,
  PacketFlow,
} from '../demo/learn/packet-flow.ts';
import { rtpFields, rtpPayload } from '../demo/learn/rtp-fields.ts';
import { rtpHeaderBytes, writeRtpHeader } from '../src/core/rtp/rtp-header.ts';

const STREAM = {
  rtpMap: 'opus/48000/2',
  clockRate: 48_000,
  firstTimestamp: 0xffff_ff00,
  firstSequence: 65_530,
};

describe('the header of a packet', () => {
  it('is split into the boxes of RFC 3550 §5.1, bit by bit', () => {
    const header = {
      payloadType: 111,
      sequenceNumber: 4,
      timestamp: (0xffff_ff00 + 9600) >>> 0,
      ssrc: 0xdeadbeef,
      marker: true,
      csrcs: [0x01020304],
    };
    const bytes = new Uint8Array(rtpHeaderBytes(header) + 3);
    writeRtpHeader(header, bytes);
    bytes.set([0xf8, 1, 2], bytes.length - 3);
    const fields = rtpFields(bytes, STREAM);
    expect(fields.map(({ label, value }) => `${label}: ${value}`)).toEqual([
      'V=2: 2',
      'P: 0',
      'X: 0',
      'CC: 1',
      'M: 1',
      'PT: 111',
      'sequence number: 4',
      `timestamp: ${header.timestamp}`,
      'synchronization source (SSRC) identifier: 0xdeadbeef',
      'CSRC: 0x01020304',
    ]);
    const all = fields.map(({ bits }) => bits).join('');
    const wanted = Array.from(bytes.subarray(0, 16), (byte) => byte.toString(2).padStart(8, '0'));
    expect(all).toBe(wanted.join(''));
    expect(fields[6]!.meaning).toContain('10 more than the first packet had');
    expect(fields[7]!.meaning).toContain('0.200 s after');
    expect(rtpPayload(bytes)).toEqual(Uint8Array.of(0xf8, 1, 2));
  });
});

describe('the network of the packet flow', () => {
  it('gives each packet the same luck with any settings', () => {
    const plain = new FlowNetwork(3);
    const rough = new FlowNetwork(3);
    let lost = 0;
    for (let i = 0; i < 2000; i++) {
      const all = plain.transit({ lossRatio: 0, jitterMs: 100 })!;
      expect(all).toBeGreaterThanOrEqual(FLOW_DELAY_MS);
      expect(all).toBeLessThan(FLOW_DELAY_MS + 100);
      const some = rough.transit({ lossRatio: 0.2, jitterMs: 50 });
      if (some === null) lost++;
      else expect(some - FLOW_DELAY_MS).toBeCloseTo((all - FLOW_DELAY_MS) / 2, 9);
    }
    expect(lost / 2000).toBeGreaterThan(0.17);
    expect(lost / 2000).toBeLessThan(0.23);
  });
});

/** A flow after so many seconds, advanced in uneven steps. */
function flowAfter(seconds: number, lossRatio: number, jitterMs: number, seed = 1): PacketFlow {
  const flow = new PacketFlow(seed, { lossRatio, jitterMs });
  for (let ms = 0; ms < seconds * 1000; ms += 16.7) flow.advance(ms);
  flow.advance(seconds * 1000);
  return flow;
}

describe('the packet flow', () => {
  it('over a perfect network plays every packet in order, without concealing', () => {
    const { counts, packets, sounds } = flowAfter(20, 0, 0);
    expect(counts).toMatchObject({ sent: 1001, lost: 0, late: 0, reordered: 0, concealedMs: 0 });
    const played = sounds.filter(({ kind }) => kind === 'played').map(({ sequence }) => sequence);
    expect(played.length).toBeGreaterThan(100);
    expect(played).toEqual(played.map((_, i) => played[0]! + i));
    expect(new Set(packets.map(({ fate }) => fate))).toContain('travelling');
  });

  it('conceals lost packets, for about as long', () => {
    const { counts } = flowAfter(60, 0.1, 0);
    expect(counts.late).toBe(0);
    const concealedPackets = counts.concealedMs / FLOW_PACKET_MS;
    expect(counts.lost).toBeGreaterThan(200);
    expect(Math.abs(concealedPackets - counts.lost)).toBeLessThan(0.05 * counts.lost);
  });

  it('restores the order of packets that overtook each other, with a longer target delay', () => {
    const calm = flowAfter(40, 0, 0);
    const rough = flowAfter(40, 0, 100);
    expect(rough.counts.reordered).toBeGreaterThan(300);
    expect(rough.targetMs).toBeGreaterThan(calm.targetMs + 40);
    const played = rough.sounds.filter(({ kind }) => kind === 'played');
    const order = played.map(({ sequence }) => sequence);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
    // It plays almost all of it.
    expect(rough.counts.concealedMs).toBeLessThan(0.05 * 40_000);
  });

  it('leaves no gap in the audio, and reports every packet’s fate once it is past', () => {
    const flow = flowAfter(30, 0.15, 150, 9);
    const { sounds, packets, nowMs } = flow;
    for (let i = 1; i < sounds.length; i++) {
      expect(sounds[i]!.fromMs).toBeCloseTo(sounds[i - 1]!.toMs, 6);
    }
    const past = packets.filter(({ sentMs }) => sentMs < nowMs - 1000);
    expect(past.length).toBeGreaterThan(50);
    for (const { fate, heardMs } of past) {
      expect(['played', 'late', 'lost']).toContain(fate);
      expect(heardMs !== null).toBe(fate === 'played');
    }
  });

  it('is the same for the same seed however time is divided, and different for another seed', () => {
    const one = flowAfter(10, 0.1, 80, 4);
    const other = new PacketFlow(4, { lossRatio: 0.1, jitterMs: 80 });
    other.advance(10_000);
    expect(other.counts).toEqual(one.counts);
    expect(other.packets).toEqual(one.packets);
    expect(flowAfter(10, 0.1, 80, 5).packets).not.toEqual(one.packets);
  });
});
