import { describe, expect, it } from 'vitest';
import {
  lossPatternBytes,
  readLossBlocks,
  readLossPatterns,
  summarizeBlock,
  summarizeLosses,
  writeLossPattern,
} from '../src/core/rtp/loss-pattern.ts';
import type { LossPattern } from '../src/core/rtp/loss-pattern.ts';
import { LossRuns } from '../src/core/rtp/loss-runs.ts';
import { readReports, reportBytes, writeReport } from '../src/core/rtp/rtcp.ts';
import type { ReceiverReport } from '../src/core/rtp/rtcp.ts';
import { bytesOf } from './helpers/hex.ts';
import { outcomeOf } from './helpers/outcome.ts';
import { integer } from './helpers/packet-streams.ts';
import { seededRandom } from './helpers/random.ts';

function written(pattern: LossPattern): Uint8Array {
  const bytes = new Uint8Array(lossPatternBytes(pattern));
  expect(writeLossPattern(pattern, bytes)).toBe(bytes.length);
  return bytes;
}

/** Alternating runs of packets that arrived and of lost ones, starting with arrived ones. */
function pattern(begin: number, runs: readonly number[]): LossPattern {
  const came = runs.flatMap((length, i) => Array.from({ length }, () => (i % 2 === 0 ? 1 : 0)));
  return { reporter: 77, ssrc: 7, begin, came: Uint8Array.from(came) };
}

const RUNS = pattern(65_530, [20, 16, 1, 2, 1]);
const RUNS_BYTES = `
  80 cf 00 06  // V=2, PT=207, 7 words
  00 00 00 4d  // SSRC of who reports
  01 00 00 04  // BT=1, 5 words
  00 00 00 07  // SSRC of who is reported about
  ff fa 00 22  // from 65530 to 34, which is not in it
  40 14        // 20 came
  00 10        // 16 were lost
  c8 00        // one came, two were lost, one came; and eleven that do not count
  00 00        // the end`;

describe('a loss pattern (RFC 3611 §4.1)', () => {
  it('reads and writes runs and vectors of bits', () => {
    expect(written(RUNS)).toEqual(bytesOf(RUNS_BYTES));
    expect(readLossPatterns(bytesOf(RUNS_BYTES))).toEqual([RUNS]);
  });

  it('reads back as written, beside reports in one message', () => {
    const random = seededRandom(1);
    const report: ReceiverReport = { type: 'receiver', ssrc: 77, reports: [] };
    for (let i = 0; i < 200; i++) {
      const lengths = Array.from({ length: 1 + integer(20, random) }, () =>
        integer(random() < 0.1 ? 2000 : 30, random),
      );
      const sent = pattern(integer(65_536, random), lengths);
      const bytes = new Uint8Array(reportBytes(report) + lossPatternBytes(sent));
      writeLossPattern(sent, bytes, writeReport(report, bytes));
      expect(readReports(bytes)).toEqual([report]);
      expect(readLossPatterns(bytes)).toEqual([sent]);
    }
  });

  it('holds up to the largest length of its fields', () => {
    const most = pattern(3, [65_000, 534]);
    expect(readLossPatterns(written(most))).toEqual([most]);
    const none = pattern(3, []);
    expect(readLossPatterns(written(none))).toEqual([none]);
    const more = pattern(3, [65_535]);
    expect(() => writeLossPattern(more, new Uint8Array(10_000))).toThrow(RangeError);
    for (const wrong of [{ begin: -1 }, { begin: 65_536 }, { reporter: 2 ** 32 }, { ssrc: -1 }]) {
      const write = () => writeLossPattern({ ...none, ...wrong }, new Uint8Array(99));
      expect(write).toThrow(RangeError);
    }
    const last = { ...none, begin: 65_535, reporter: 2 ** 32 - 1, ssrc: 2 ** 32 - 1 };
    expect(readLossPatterns(written(last))).toEqual([last]);
  });

  it('is refused if it does not cover every packet', () => {
    const reason = (text: string) => outcomeOf(() => readLossPatterns(bytesOf(text)));
    expect(reason(RUNS_BYTES)).toBe('read');
    expect(reason(RUNS_BYTES.replace('00 22', '00 2e'))).toBe('truncated'); // more than the vector holds
    expect(reason(RUNS_BYTES.replace('40 14', '40 00'))).toBe('bad-field');
    expect(reason(RUNS_BYTES.replace('40 14', '00 00'))).toBe('truncated');
    expect(reason(RUNS_BYTES.replace('01 00 00 04', '01 00 00 05'))).toBe('truncated');
    expect(reason('80 cf 00 00')).toBe('truncated');
    expect(reason('80 cf 00 02 00 00 00 01 01 00 00 00')).toBe('truncated');
    // Another kind of block, and one that tells about every second packet only.
    expect(readLossPatterns(bytesOf(RUNS_BYTES.replace('01 00 00 04', '02 00 00 04')))).toEqual([]);
    expect(readLossPatterns(bytesOf(RUNS_BYTES.replace('01 00 00 04', '01 01 00 04')))).toEqual([]);
  });

  it('ends before the padding of its packet', () => {
    const padded = `${RUNS_BYTES.replace('80 cf 00 06', 'a0 cf 00 07')}\n 00 00 00 04`;
    expect(readLossPatterns(bytesOf(padded))).toEqual([RUNS]);
    // The last word of the block was padding.
    const cut = RUNS_BYTES.replace('80 cf 00 06', 'a0 cf 00 06').replace(
      '00 00        //',
      '00 04        //',
    );
    expect(outcomeOf(() => readLossPatterns(bytesOf(cut)))).toBe('truncated');
  });

  it('is summarized in its block in the same way as when it is unpacked', () => {
    const random = seededRandom(3);
    for (let i = 0; i < 200; i++) {
      const lengths = Array.from({ length: 1 + integer(30, random) }, () =>
        integer(random() < 0.1 ? 3000 : 20, random),
      );
      const bytes = written(pattern(integer(65_536, random), lengths));
      const [block] = readLossBlocks(bytes);
      const { came } = readLossPatterns(bytes)[0]!;
      const { lost, runs } = summarizeLosses(came);
      expect(block!.packets).toBe(came.length);
      expect(summarizeBlock(bytes, block!)).toEqual({
        lost,
        runs,
        beginsInLoss: came[0] === 0,
        endsInLoss: came.at(-1) === 0,
      });
    }
  });

  it('agrees with the counts of its receiver', () => {
    expect(summarizeLosses(RUNS.came)).toEqual({ lost: 18, runs: 2, longest: 16, meanLength: 9 });
    expect(summarizeLosses(new Uint8Array(5).fill(1)).meanLength).toBe(1);
    const random = seededRandom(2);
    const runs = new LossRuns();
    let bad = false;
    let next = 70_000;
    for (let sequence = next; sequence < 75_000; sequence++) {
      bad = sequence > next && random() < (bad ? 0.6 : 0.05);
      if (!bad) runs.update(sequence);
      if (sequence % 500 !== 499) continue;
      const { begin, came } = runs.takePattern();
      expect(begin).toBe(next);
      next += came.length;
      const { lost, longest, meanLength } = summarizeLosses(came);
      expect(lost).toBe(runs.lost);
      expect(longest).toBeLessThanOrEqual(Math.max(longest, runs.longest));
      expect(Math.abs(meanLength - runs.meanLength)).toBeLessThan(0.5);
      runs.reset();
    }
    expect(next).toBeGreaterThan(74_900);
  });
});
