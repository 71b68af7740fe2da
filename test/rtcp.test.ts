import { describe, expect, it } from 'vitest';
import { InterarrivalJitter, ReceptionStatistics } from '../src/core/rtp/reception-statistics.ts';
import { LossRuns } from '../src/core/rtp/loss-runs.ts';
import {
  ntpFraction,
  ntpMiddle,
  ntpSeconds,
  ntpToMs,
  isRtcp,
  readReports,
  reportBytes,
  roundTripMs,
  sourceDescriptionBytes,
  writeReport,
  writeSourceDescription,
} from '../src/core/rtp/rtcp.ts';
import type { ReceiverReport, ReportBlock, SenderReport } from '../src/core/rtp/rtcp.ts';
import { bytesOf } from './helpers/hex.ts';
import { outcomeOf } from './helpers/outcome.ts';
import { integer } from './helpers/packet-streams.ts';
import { seededRandom } from './helpers/random.ts';

function randomBlock(random: () => number): ReportBlock {
  return {
    ssrc: integer(2 ** 32, random),
    fractionLost: integer(256, random) / 256,
    packetsLost: integer(2 ** 24, random) - 2 ** 23,
    highestSequence: integer(2 ** 32, random),
    jitter: integer(2 ** 32, random),
    lastSenderReport: integer(2 ** 32, random),
    delaySinceSenderReport: integer(2 ** 32, random),
  };
}

function randomReport(random: () => number): SenderReport | ReceiverReport {
  const reports = Array.from({ length: integer(32, random) }, () => randomBlock(random));
  const ssrc = integer(2 ** 32, random);
  if (random() < 0.5) return { type: 'receiver', ssrc, reports };
  return {
    type: 'sender',
    ssrc,
    ntpSeconds: integer(2 ** 32, random),
    ntpFraction: integer(2 ** 32, random),
    rtpTimestamp: integer(2 ** 32, random),
    packetCount: integer(2 ** 32, random),
    octetCount: integer(2 ** 32, random),
    reports,
  };
}

describe('reports (RFC 3550 §6.4)', () => {
  const RECEIVER = `
    81 c9 00 07  // V=2, RC=1, PT=201, 8 words
    00 00 00 4d  // SSRC of who reports
    00 00 00 07  // SSRC of who is reported about
    40           // a quarter was lost
    ff ff fe     // −2 packets in all: duplicates came
    00 01 00 05  // the sixth after the numbers wrapped
    00 00 01 e0  // jitter 480
    89 ab cd ef  // last SR
    00 01 00 00  // a second ago`;

  it('§6.4.2: a receiver report, byte by byte', () => {
    expect(readReports(bytesOf(RECEIVER))).toEqual([
      {
        type: 'receiver',
        ssrc: 77,
        reports: [
          {
            ssrc: 7,
            fractionLost: 0.25,
            packetsLost: -2,
            highestSequence: 65_541,
            jitter: 480,
            lastSenderReport: 0x89ab_cdef,
            delaySinceSenderReport: 65_536,
          },
        ],
      },
    ]);
  });

  it('§6.1: several in one message are read; those of other types are skipped', () => {
    const random = seededRandom(1);
    for (let i = 0; i < 100; i++) {
      const sent = Array.from({ length: 1 + integer(3, random) }, () => randomReport(random));
      const description = bytesOf('81 ca 00 02  00 00 00 07  01 01 61 00'); // SDES, CNAME "a"
      const message = new Uint8Array(5000);
      let at = 3;
      for (const report of sent) {
        const written = writeReport(report, message, at);
        expect(written).toBe(reportBytes(report));
        at += written;
        message.set(description, at);
        at += description.length;
      }
      expect(isRtcp(message, 3)).toBe(true);
      expect(readReports(message, 3, at - 3)).toEqual(sent);
    }
  });

  it('are refused with a reason', () => {
    const reason = (hex: string) => outcomeOf(() => readReports(bytesOf(hex)));
    expect(reason(RECEIVER)).toBe('read');
    expect(reason(RECEIVER.replace('00 01 00 00', '00 01 00'))).toBe('truncated');
    expect(reason(RECEIVER.replace('81 c9', '82 c9'))).toBe('truncated');
    expect(reason(RECEIVER.replace('81 c9', '41 c9'))).toBe('unknown-type');
    expect(reason(`${RECEIVER} \n 80 cb`)).toBe('truncated');
    expect(reason(`a0 c9 00 01  00 00 00 01 \n ${RECEIVER}`)).toBe('bad-field');
  });

  it('§6.4.1: padding at the end of the last one is not part of it', () => {
    // P=1, 10 words; the last octet counts the padding.
    const padded = `${RECEIVER.replace('81 c9 00 07', 'a1 c9 00 09')}\n 00 00 00 00 00 00 00 08`;
    expect(readReports(bytesOf(padded))).toEqual(readReports(bytesOf(RECEIVER)));
    const reason = (last: string) =>
      outcomeOf(() => readReports(bytesOf(padded.replace(/08$/, last))));
    expect(reason('08')).toBe('read');
    expect(reason('00')).toBe('bad-field');
    expect(reason('06')).toBe('bad-field');
    expect(reason('28')).toBe('bad-field'); // with the header
    // What is left is too short for the block that it is said to hold.
    expect(reason('0c')).toBe('truncated');
    expect(reason('24')).toBe('truncated');
  });

  it('§6.5: a source description has the canonical name, padded to whole words', () => {
    for (const [cname, hex] of [
      ['a', '81 ca 00 02  00 00 00 4d  01 01 61 00'],
      ['ab', '81 ca 00 03  00 00 00 4d  01 02 61 62  00 00 00 00'],
      ['micwire', '81 ca 00 04  00 00 00 4d  01 07 6d 69 63 77 69 72 65 00 00 00'],
    ] as const) {
      const bytes = new Uint8Array(sourceDescriptionBytes(cname)).fill(0xee);
      expect(writeSourceDescription(77, cname, bytes)).toBe(bytes.length);
      expect(bytes).toEqual(bytesOf(hex));
      expect(readReports(bytes)).toEqual([]);
    }
    const write = (cname: unknown) => () =>
      writeSourceDescription(77, cname as string, new Uint8Array(400));
    expect(write('')).toThrow(RangeError);
    expect(write('é')).toThrow(RangeError);
    expect(write('a'.repeat(256))).toThrow(RangeError);
    expect(write('a'.repeat(255))).not.toThrow();
    expect(write(null)).toThrow(TypeError);
  });

  it('are not RTP, as their second byte shows (RFC 5761 §4)', () => {
    expect(isRtcp(bytesOf('80 c8'))).toBe(true);
    expect(isRtcp(bytesOf('80 6f'))).toBe(false);
    expect(isRtcp(bytesOf('80 ef'))).toBe(false); // payload type 111 with the marker
    expect(isRtcp(bytesOf('80'))).toBe(false);
  });

  it('of several kinds have their fields in the right places', () => {
    const sender: SenderReport = {
      type: 'sender',
      ssrc: 1,
      ntpSeconds: 2,
      ntpFraction: 3,
      rtpTimestamp: 4,
      packetCount: 5,
      octetCount: 6,
      reports: [
        {
          ssrc: 7,
          fractionLost: 1,
          packetsLost: -(2 ** 23),
          highestSequence: 8,
          jitter: 9,
          lastSenderReport: 10,
          delaySinceSenderReport: 11,
        },
      ],
    };
    const bytes = new Uint8Array(reportBytes(sender));
    writeReport(sender, bytes);
    expect(bytes).toEqual(
      bytesOf(`
        81 c8 00 0c  00 00 00 01
        00 00 00 02  00 00 00 03  00 00 00 04  00 00 00 05  00 00 00 06
        00 00 00 07  ff 80 00 00  00 00 00 08  00 00 00 09  00 00 00 0a  00 00 00 0b`),
    );
    // All was lost: 256/256 has no code.
    expect(readReports(bytes)[0]!.reports[0]!.fractionLost).toBe(255 / 256);
  });

  it('refuse to be written out of range', () => {
    const target = new Uint8Array(2000);
    const block = randomBlock(seededRandom(2));
    const write = (changes: Partial<ReportBlock>) => () =>
      writeReport({ type: 'receiver', ssrc: 1, reports: [{ ...block, ...changes }] }, target);
    expect(write({})).not.toThrow();
    expect(write({ fractionLost: 1.1 })).toThrow(RangeError);
    expect(write({ packetsLost: 2 ** 23 })).toThrow(RangeError);
    expect(write({ jitter: 0.5 })).toThrow(RangeError);
    const many = Array.from({ length: 32 }, () => block);
    expect(() => writeReport({ type: 'receiver', ssrc: 1, reports: many }, target)).toThrow(
      RangeError,
    );
  });
});

describe('the time of RTCP (RFC 3550 §4)', () => {
  it('has 64 bits since 1900, for any instant from 1970 on', () => {
    expect([ntpSeconds(0), ntpFraction(0)]).toEqual([2_208_988_800, 0]);
    expect([ntpSeconds(1999), ntpFraction(1750)]).toEqual([2_208_988_801, 0xc000_0000]);
    expect(ntpToMs(2_208_988_801, 0x8000_0000)).toBe(1500);
    expect(ntpMiddle(0x1234_5678, 0x9abc_def0)).toBe(0x5678_9abc);
    // 7 February 2036, 06:28:16: the second era begins.
    expect(ntpSeconds(Date.UTC(2036, 1, 7, 6, 28, 16))).toBe(0);
    expect(() => ntpSeconds(-1)).toThrow(RangeError);
    expect(() => ntpFraction(Number.MAX_SAFE_INTEGER)).toThrow(RangeError);
  });
});

describe('the round trip (RFC 3550 §6.4.1, figure 2)', () => {
  it('equals that of the figure', () => {
    // [10 Nov 1995 11:33:25.125 UTC]: n = 0xb44db705.20000000; it comes back at 11:33:36.5, 5.25 s of which it was kept.
    const sent = ntpToMs(0xb44d_b705, 0x2000_0000);
    expect(new Date(sent).toISOString()).toBe('1995-11-10T11:33:25.125Z');
    expect(ntpMiddle(ntpSeconds(sent), ntpFraction(sent))).toBe(0xb705_2000);
    const block: ReportBlock = {
      ssrc: 1,
      fractionLost: 0,
      packetsLost: 0,
      highestSequence: 0,
      jitter: 0,
      lastSenderReport: 0xb705_2000,
      delaySinceSenderReport: 0x0005_4000,
    };
    expect(roundTripMs(block, sent + 11_375)).toBe(6125);
    expect(roundTripMs({ ...block, lastSenderReport: 0 }, sent)).toBeNaN();
    // Clocks that are read too coarsely do not make it negative.
    expect(roundTripMs(block, sent + 5249)).toBe(0);
  });

  it('is correct if both clocks differ, and where the 16 bits of seconds wrap', () => {
    const random = seededRandom(3);
    for (let i = 0; i < 200; i++) {
      const sentAt = random() * 2 ** 42;
      const there = random() * 500;
      const kept = random() * 5000;
      const back = random() * 500;
      const otherClock = random() * 1e9;
      const statistics = new ReceptionStatistics(1, 48_000);
      statistics.senderReport(
        {
          type: 'sender',
          ssrc: 1,
          ntpSeconds: ntpSeconds(sentAt),
          ntpFraction: ntpFraction(sentAt),
          rtpTimestamp: 0,
          packetCount: 0,
          octetCount: 0,
          reports: [],
        },
        otherClock + there,
      );
      const block = statistics.report(otherClock + there + kept);
      expect(roundTripMs(block, sentAt + there + kept + back)).toBeCloseTo(there + back, 1);
    }
  });
});

describe('interarrival jitter (RFC 3550 A.8)', () => {
  it('equals that of the RFC’s code, except for its rounding', () => {
    const random = seededRandom(4);
    const jitter = new InterarrivalJitter(8000);
    let transitBefore = 0;
    let reference = 0; // scaled by 16, as there
    for (let i = 0; i < 2000; i++) {
      const timestamp = (0xffff_f000 + i * 160) % 2 ** 32;
      const arrival = i * 160 + integer(400, random);
      const transit = arrival - i * 160;
      if (i > 0) {
        const d = Math.abs(transit - transitBefore);
        reference += d - Math.floor((reference + 8) / 16);
      }
      transitBefore = transit;
      jitter.update(timestamp, arrival / 8);
      expect(Math.abs(jitter.jitter - reference / 16)).toBeLessThan(1);
    }
    expect(jitter.jitter).toBeGreaterThan(80);
    expect(jitter.jitterMs).toBeCloseTo(jitter.jitter / 8);
  });

  it('grows by a sixteenth of a packet’s deviation, in units of the clock', () => {
    const jitter = new InterarrivalJitter(8000);
    jitter.update(0, 100);
    expect([jitter.clockRate, jitter.jitter]).toEqual([8000, 0]);
    jitter.update(160, 124); // 4 ms late
    expect([jitter.jitter, jitter.jitterMs]).toEqual([2, 0.25]);
    jitter.update(320, 144);
    expect(jitter.jitter).toBe(2 - 2 / 16);
    expect(() => new InterarrivalJitter(0.5)).toThrow(RangeError);
    expect(() => new InterarrivalJitter(2 ** 32 + 1)).toThrow(RangeError);
  });

  it('is 0 if all packets take the same time, also across the wrap of the timestamps', () => {
    const jitter = new InterarrivalJitter(48_000);
    for (let i = 0; i < 100; i++) jitter.update((2 ** 32 - 9600 + i * 960) % 2 ** 32, 7 + i * 20);
    expect(jitter.jitter).toBeCloseTo(0, 6);
  });
});

describe('reception (RFC 3550 A.3)', () => {
  it('counts packets expected, lost, and lost since the last report', () => {
    const statistics = new ReceptionStatistics(9, 48_000);
    const receive = (from: number, to: number, keep: (sequence: number) => boolean) => {
      for (let sequence = from; sequence < to; sequence++) {
        if (keep(sequence)) statistics.update(sequence, (sequence * 960) % 2 ** 32, sequence * 20);
      }
    };
    expect(statistics.report(0)).toMatchObject({ ssrc: 9, fractionLost: 0, packetsLost: 0 });
    receive(65_500, 65_600, (sequence) => sequence % 4 !== 1);
    expect(statistics.expected).toBe(100);
    expect(statistics.lost).toBe(25);
    expect(statistics.report(0)).toMatchObject({
      fractionLost: 0.25,
      packetsLost: 25,
      highestSequence: 65_599,
    });
    receive(65_600, 65_700, () => true);
    expect(statistics.report(0)).toMatchObject({ fractionLost: 0, packetsLost: 25 });
    // Duplicates offset losses, but never for a fraction below 0.
    receive(65_600, 65_700, () => true);
    expect(statistics.report(0)).toMatchObject({ fractionLost: 0, packetsLost: -75 });
  });

  it('distinguishes single losses from bursts', () => {
    const lossRuns = (keep: (sequence: number) => boolean) => {
      const runs = new LossRuns();
      for (let sequence = 1000; sequence < 11_000; sequence++)
        if (keep(sequence)) runs.update(sequence);
      return runs;
    };
    const single = lossRuns((sequence) => sequence % 20 !== 7);
    expect(single.meanLength).toBe(1);
    expect(single.lost).toBe(497);
    const bursts = lossRuns((sequence) => sequence % 100 > 4);
    expect(bursts.meanLength).toBe(5);
    expect(bursts.longest).toBe(5);
    const random = seededRandom(5);
    const even = lossRuns(() => random() > 0.05);
    expect(even.meanLength).toBeCloseTo(1 / 0.95, 1);
  });

  it('restarts its loss count at a reset in the middle, and loses none of the pattern', () => {
    const runs = new LossRuns();
    const receive = (from: number, to: number) => {
      for (let sequence = from; sequence < to; sequence++) runs.update(sequence);
    };
    receive(0, 10);
    receive(20, 80); // up to 15 is settled
    expect([runs.lost, runs.runs, runs.longest]).toEqual([6, 1, 6]);
    runs.reset();
    expect([runs.lost, runs.runs, runs.longest, runs.meanLength]).toEqual([0, 0, 0, 1]);
    receive(80, 200);
    expect([runs.lost, runs.runs, runs.longest, runs.meanLength]).toEqual([4, 1, 4, 4]);
    const { begin, came } = runs.takePattern();
    expect([begin, came.length]).toEqual([0, 200 - 64]);
    expect([...came.subarray(8, 22)]).toEqual([1, 1, ...Array<number>(10).fill(0), 1, 1]);
    expect(runs.takePattern().came.length).toBe(0);
  });

  it('settles losses from before a sender’s restart, and begins a pattern with its new numbers', () => {
    const runs = new LossRuns();
    for (const sequence of [100, 101, 104, 105]) runs.update(sequence);
    runs.restart();
    expect([runs.lost, runs.runs]).toEqual([2, 1]);
    // The first of it is 7: nothing before counts as lost.
    for (let sequence = 7; sequence < 7 + 70; sequence++) if (sequence !== 8) runs.update(sequence);
    expect([runs.lost, runs.runs, runs.longest]).toEqual([3, 2, 2]);
    const { begin, came } = runs.takePattern();
    expect([begin, ...came]).toEqual([7, 1, 0, 1, 1, 1, 1]);
  });

  it('begins its pattern after a standstill, and has an empty one before', () => {
    const runs = new LossRuns();
    expect(runs.takePattern()).toEqual({ begin: 0, came: new Uint8Array(0) });
    for (let sequence = 0; sequence < 100; sequence++) runs.update(sequence);
    for (let sequence = 500; sequence <= 570; sequence++) runs.update(sequence);
    expect(runs.takePattern()).toEqual({ begin: 500, came: new Uint8Array(7).fill(1) });
  });

  it('covers 2048 packets at most at once, the oldest', () => {
    const runs = new LossRuns();
    for (let sequence = 5; sequence < 5 + 3000; sequence++) runs.update(sequence);
    const { begin, came } = runs.takePattern();
    expect([begin, came.length]).toEqual([5, 2048]);
  });

  it('waits for late packets, and does not count a standstill as loss', () => {
    const runs = new LossRuns();
    for (let sequence = 0; sequence < 1000; sequence++) {
      if (sequence % 10 !== 5) runs.update(sequence);
      if (sequence % 10 === 9) runs.update(sequence - 4);
    }
    expect(runs.lost).toBe(0);
    runs.update(5000);
    for (let sequence = 5001; sequence < 6000; sequence++) runs.update(sequence);
    expect(runs.lost).toBe(0);
    runs.update(100); // long settled
    expect(runs.lost).toBe(0);
  });
});
