import { describe, expect, it } from 'vitest';
import {
  CANDIDATE,
  CONTINUES,
  DURATION,
  RESTARTS,
  SEQUENCE,
  STRAY,
  SourceProbation,
  StreamContinuity,
  TIMESTAMP,
  timestampJumped,
} from '../src/core/rtp/stream-continuity.ts';
import type { Continuity } from '../src/core/rtp/stream-continuity.ts';
import { seededRandom } from './helpers/random.ts';

const RATE = 48_000;
const UNITS = 960;
const TWO_16 = 2 ** 16;
const TWO_32 = 2 ** 32;

/** Follows a stream of 20 ms packets as those who use it do, and keeps account of what was expected. */
class Follower {
  readonly continuity: StreamContinuity;
  readonly #wraps: boolean;
  received = 0;
  /** Of the packets of earlier runs; and of this one, how far the first and the newest are from where it opened. */
  #before = 0;
  #first = 0;
  #newest = 0;
  strays = 0;
  restarts = 0;

  constructor(wraps = true) {
    this.#wraps = wraps;
    this.continuity = new StreamContinuity(RATE, wraps);
  }

  packet(sequence: number, timestamp: number, hasAudio = true): Continuity {
    const verdict = this.#judge(sequence, timestamp, hasAudio);
    if (verdict === RESTARTS) {
      this.restarts++;
      this.#before = this.expected;
      this.#first = 0;
      this.#newest = 0;
      const { hasCandidate, candidateSequence, candidateTimestamp } = this.continuity;
      if (hasCandidate) {
        this.strays--;
        this.#judge(candidateSequence, candidateTimestamp, true, true);
        this.#count();
        this.#judge(sequence, timestamp, true);
      } else {
        this.#judge(sequence, timestamp, true, true);
      }
    }
    if (verdict === CONTINUES || verdict === RESTARTS) this.#count();
    else this.strays++;
    return verdict;
  }

  get lost(): number {
    return this.expected - this.received;
  }

  get expected(): number {
    return this.#before + this.#newest - this.#first;
  }

  #count(): void {
    const { ahead } = this.continuity;
    this.received++;
    this.#first = Math.min(this.#first, this.#newest + ahead - 1);
    if (ahead > 0) this.#newest += ahead;
  }

  #judge(sequence: number, timestamp: number, hasAudio: boolean, reopens = false): Continuity {
    const { input } = this.continuity;
    input[SEQUENCE] = this.#wraps ? (sequence + TWO_32) % TWO_16 : sequence;
    input[TIMESTAMP] = this.#wraps ? ((timestamp % TWO_32) + TWO_32) % TWO_32 : timestamp;
    input[DURATION] = hasAudio ? UNITS : 0;
    if (reopens) this.continuity.reopen();
    return this.continuity.judge(hasAudio);
  }
}

describe.each([true, false])('a stream with numbers that wrap: %s', (wraps) => {
  it('continues through loss, reordering and duplicates', () => {
    const random = seededRandom(1);
    const follower = new Follower(wraps);
    const under: { at: number; n: number }[] = [];
    let lost = 0;
    let doubled = 0;
    let due = 0;
    for (let n = 0; n < 20_000; n++) {
      if (random() < 0.2) lost++;
      else under.push({ at: n + random() * (random() < 0.1 ? 80 : 3), n });
      if (random() < 0.05) {
        under.push({ at: n + random() * 80, n });
        doubled++;
      }
      under.sort((a, b) => a.at - b.at);
      while (under.length > 0 && under[0]!.at <= n) {
        const packet = under.shift()!;
        const sequence = wraps ? (65_000 + packet.n) % TWO_16 : packet.n;
        expect(follower.packet(sequence, packet.n * UNITS)).toBe(CONTINUES);
        due = Math.max(due, packet.n);
      }
    }
    // What is under way, and what was lost behind the newest or before the first that came.
    const open = under.length + 200;
    expect(follower.expected).toBeLessThanOrEqual(due + 1);
    expect(Math.abs(follower.lost - (lost - doubled))).toBeLessThan(open);
    expect(follower.restarts).toBe(0);
  });

  it('treats the copies of a burst as duplicates, however many packets one of them has overtaken', () => {
    for (const overtaken of [50, 101, 128, 129, 400, 2000]) {
      const follower = new Follower(wraps);
      const packet = (n: number): Continuity => follower.packet(n, n * UNITS);
      for (let n = 0; n < 10; n++) expect(packet(n)).toBe(CONTINUES);
      expect(packet(10 + overtaken)).toBe(CONTINUES);
      for (let n = 10; n < 10 + overtaken; n++) {
        expect(packet(n)).toBe(CONTINUES);
        // The copies come behind the next two.
        if (n >= 12) expect(packet(n - 2)).toBe(CONTINUES);
      }
      expect(packet(11 + overtaken)).toBe(CONTINUES);
      expect([follower.restarts, follower.strays]).toEqual([0, 0]);
      expect(follower.expected).toBe(12 + overtaken);
    }
  });

  it('keeps a late packet before the silence that follows it, up to a minute, and recognizes its copy', () => {
    for (const seconds of [0.5, 1, 1.5, 10, 59]) {
      const follower = new Follower(wraps);
      const { continuity } = follower;
      const silence = seconds * RATE;
      for (let n = 0; n < 10; n++) follower.packet(n, n * UNITS);
      follower.packet(11, 11 * UNITS + silence);
      for (let time = 0; time < 2; time++) {
        expect(follower.packet(10, 10 * UNITS)).toBe(CONTINUES);
        expect([continuity.ahead, continuity.step]).toEqual([-1, -UNITS - silence]);
        expect(continuity.jumped).toBe(false);
      }
    }
    // Timestamps that went back, or ahead by more than a silence explains: its place is that of its number.
    for (const jump of [-40_000, -1000, 61]) {
      const follower = new Follower(wraps);
      const { continuity } = follower;
      const begin = 50_000 * RATE;
      for (let n = 0; n < 10; n++) follower.packet(n, begin + n * UNITS);
      follower.packet(11, begin + 11 * UNITS + jump * RATE);
      expect(follower.packet(10, begin + 10 * UNITS)).toBe(CONTINUES);
      expect([continuity.ahead, continuity.step, continuity.jumped]).toEqual([-1, -UNITS, true]);
    }
  });

  it('continues after an outage of any length, and knows how many packets are missing', () => {
    for (const missing of [1, 31, 50, 1000, 2999, 3001, 10_000, 30_000]) {
      const follower = new Follower(wraps);
      for (let n = 0; n < 10; n++) follower.packet(n, n * UNITS);
      for (let n = 10 + missing; n < 20 + missing; n++) {
        expect(follower.packet(n, n * UNITS)).toBe(CONTINUES);
      }
      expect(follower.lost).toBe(missing);
    }
  });

  it('accepts packets that a slower path delivers three seconds late', () => {
    const random = seededRandom(3);
    const follower = new Follower(wraps);
    const arrivals: { at: number; n: number }[] = [];
    for (let n = 0; n < 4000; n++) {
      const delay = (n % 1000 < 500 ? 3000 : 0) + random() * 60;
      arrivals.push({ at: n * 20 + delay, n });
    }
    arrivals.sort((a, b) => a.at - b.at);
    for (const { n } of arrivals) expect(follower.packet(n, n * UNITS)).toBe(CONTINUES);
    expect(follower.lost).toBe(0);
  });
});

describe('a sender that restarts', () => {
  it.each([0, 0.1, 0.3])(
    'is followed from its second packet on, wherever it restarts, with %s of all packets lost',
    (loss) => {
      const random = seededRandom(7);
      let worst = 0;
      let invented = 0;
      let deaf = 0;
      for (let round = 0; round < 2000; round++) {
        const follower = new Follower();
        let lost = 0;
        let most = 0;
        let begin = 0;
        let time = 0;
        // The sender begins at 0, or at random; then it resets both, or its sequence numbers alone.
        for (let run = 0; run < 3; run++) {
          const count = 130 + Math.floor(random() * 300);
          const kind = random();
          begin = kind < 0.2 ? 0 : Math.floor(random() * TWO_16);
          if (kind < 0.2) time = 0;
          else if (kind < 0.8) time = Math.floor(random() * TWO_32);
          let unheard = 0;
          let heard = false;
          let trailing = 0;
          for (let n = 0; n < count; n++) {
            if (random() < loss) {
              if (heard) trailing++;
              continue;
            }
            const verdict = follower.packet((begin + n) % TWO_16, time + n * UNITS);
            if (verdict === CONTINUES || verdict === RESTARTS) {
              // A run's losses count from the first packet that is known to belong to it.
              if (heard) lost += trailing;
              heard = true;
              trailing = 0;
            } else if (!heard) unheard++;
          }
          time += count * UNITS;
          most = Math.max(most, unheard);
        }
        worst = Math.max(worst, most);
        if (loss === 0 && most > 1) deaf++;
        if (Math.abs(follower.lost - lost) > 40) invented++;
      }
      // One packet waits for the next. More wait where a run looks by chance like what is left of another.
      expect(worst).toBeLessThanOrEqual(12);
      expect(deaf).toBeLessThan(4);
      expect(invented).toBe(0);
    },
  );

  it('is followed if it restarts at 0 two seconds or less after it had started', () => {
    for (let before = 12; before <= 150; before++) {
      const follower = new Follower();
      for (let n = 0; n < before; n++) follower.packet(n, n * UNITS);
      let repeats = 0;
      for (let n = 0; n < 200; n++) {
        if (follower.packet(n, n * UNITS) === RESTARTS) break;
        repeats++;
      }
      expect(repeats).toBeLessThanOrEqual(10);
      expect(follower.restarts).toBe(1);
    }
  });

  it('is followed if it restarts at 0 and its packets overtake each other', () => {
    const random = seededRandom(6);
    for (let before = 60; before <= 150; before++) {
      const follower = new Follower();
      for (let n = 0; n < before; n++) follower.packet(n, n * UNITS);
      const bursts = Array.from({ length: 30 }, (_, burst) => {
        const numbers = Array.from({ length: 6 }, (__, i) => burst * 6 + i);
        return numbers.toSorted(() => random() - 0.5);
      }).flat();
      const verdicts = bursts.map((n) => follower.packet(n, n * UNITS));
      expect(verdicts.indexOf(RESTARTS)).toBeLessThanOrEqual(10);
      expect(verdicts).toContain(RESTARTS);
      expect(follower.restarts).toBe(1);
    }
  });

  it('continues if bursts of packets are repeated, in any order', () => {
    const random = seededRandom(7);
    const follower = new Follower();
    for (let n = 0; n < 60; n++) follower.packet(n, n * UNITS);
    for (let burst = 10; burst < 110; burst++) {
      const numbers = Array.from({ length: 6 }, (_, i) => burst * 6 + i);
      for (const n of numbers) follower.packet(n, n * UNITS);
      for (const n of numbers.toSorted(() => random() - 0.5)) follower.packet(n, n * UNITS);
    }
    expect(follower.restarts).toBe(0);
  });

  it('is recognized if packets of the run before are still under way', () => {
    const random = seededRandom(9);
    const follower = new Follower();
    const arrivals: { at: number; sequence: number; timestamp: number; isNew: boolean }[] = [];
    for (let n = 0; n < 500; n++) {
      const at = n * 20 + 3000 + random() * 50;
      arrivals.push({ at, sequence: 1000 + n, timestamp: 77_000 + n * UNITS, isNew: false });
    }
    for (let n = 0; n < 500; n++) {
      const at = (500 + n) * 20 + random() * 50;
      arrivals.push({ at, sequence: 30_000 + n, timestamp: 3e9 + n * UNITS, isNew: true });
    }
    arrivals.sort((a, b) => a.at - b.at);
    for (const { sequence, timestamp } of arrivals) follower.packet(sequence, timestamp);
    // It may go back to the old ones once or twice, not with every other packet.
    expect(follower.restarts).toBeLessThanOrEqual(3);
    expect(follower.packet(30_500, 3e9 + 500 * UNITS)).toBe(CONTINUES);
  });

  it.each([40, 100, 671, 2346, 2990])(
    'is followed from its second packet on if its numbers and timestamps go back by %i packets, before its first',
    (back) => {
      for (const before of [1, 10, 60, 1000]) {
        const follower = new Follower();
        const start = 40_000;
        for (let n = 0; n < before; n++) follower.packet(start + n, 5e8 + n * UNITS);
        const first = start - back;
        const verdicts = Array.from({ length: 300 }, (_, n) =>
          follower.packet(first + n, 5e8 + (n - back) * UNITS),
        );
        expect(verdicts.slice(0, 2)).toEqual([CANDIDATE, RESTARTS]);
        expect([follower.restarts, follower.lost, follower.strays]).toEqual([1, 0, 0]);
      }
    },
  );

  it('is not left again for a late packet of the run before, though both runs lie on one line', () => {
    const follower = new Follower();
    const start = 40_000;
    // The numbers and the timestamps go back by as much; the last packet before that comes after the new run's fourth.
    for (let n = 0; n < 799; n++) follower.packet(start + n, 5e8 + n * UNITS);
    const arrivals = [0, 1, 2, 3, 799 + 1673, 4, 5, 6];
    const verdicts = arrivals.map((n) => follower.packet(start - 874 + n, 5e8 + (n - 874) * UNITS));
    expect(verdicts).toEqual([
      CANDIDATE,
      RESTARTS,
      ...Array<Continuity>(2).fill(CONTINUES),
      STRAY,
      ...Array<Continuity>(3).fill(CONTINUES),
    ]);
    expect([follower.restarts, follower.lost, follower.strays]).toEqual([1, 0, 1]);
  });

  it('is not assumed if a path that was longer in the beginning delivers its first packets late', () => {
    const follower = new Follower();
    // Packets 0 to 99 take 2.5 s, the others none: old ones come between the new.
    for (let n = 100; n < 400; n++) {
      follower.packet(n, n * UNITS);
      if (n >= 225 && n < 325) follower.packet(n - 225, (n - 225) * UNITS);
    }
    expect(follower.restarts).toBe(0);
    expect(follower.lost).toBe(0);
  });

  it('is not confused with the run before if a shorter path delivers packets of the new one early, though both began at 0', () => {
    const follower = new Follower();
    for (let n = 0; n < 49; n++) follower.packet(n, n * UNITS);
    for (let n = 0; n < 200; n++) follower.packet(n, n * UNITS);
    const { restarts, lost } = follower;
    expect(restarts).toBe(1);
    // The next 36 take 720 ms, those behind them none.
    const verdicts: Continuity[] = [];
    for (let n = 236; n < 300; n++) {
      verdicts.push(follower.packet(n, n * UNITS));
      if (n < 272) verdicts.push(follower.packet(n - 36, (n - 36) * UNITS));
    }
    expect(new Set(verdicts)).toEqual(new Set([CONTINUES]));
    expect([follower.restarts, follower.lost]).toEqual([restarts, lost]);
  });

  it('is one with the run before if more of its packets arrive than are ever overtaken, and both lie on one line', () => {
    const follower = new Follower();
    for (let n = 0; n < 49; n++) follower.packet(n, n * UNITS);
    for (let n = 0; n < 6; n++) follower.packet(n, n * UNITS);
    expect(follower.restarts).toBe(1);
    const verdicts: Continuity[] = [];
    for (let n = 6; n < 26; n++) {
      verdicts.push(follower.packet(n + 44, (n + 44) * UNITS), follower.packet(n, n * UNITS));
    }
    expect(verdicts.slice(16)).not.toContain(STRAY);
    expect(follower.restarts).toBe(1);
  });

  it('may reset only its timestamps, or only its sequence numbers', () => {
    const times = new Follower();
    for (let n = 0; n < 50; n++) times.packet(n, n * UNITS);
    times.packet(50, 3e9);
    expect([times.continuity.jumped, times.continuity.step]).toEqual([true, UNITS]);
    expect(times.packet(52, 3e9 + 2 * UNITS)).toBe(CONTINUES);
    expect([times.continuity.jumped, times.continuity.step]).toEqual([false, 2 * UNITS]);
    expect(times.lost).toBe(1);

    const numbers = new Follower();
    for (let n = 0; n < 50; n++) numbers.packet(n, n * UNITS);
    expect(numbers.packet(2000, 50 * UNITS)).toBe(CANDIDATE);
    expect(numbers.packet(2001, 51 * UNITS)).toBe(RESTARTS);
    expect([numbers.lost, numbers.strays]).toEqual([0, 0]);
  });
});

describe('a packet that is not of the stream', () => {
  it('changes nothing, and is no confirmation of another one', () => {
    const follower = new Follower();
    for (let n = 0; n < 500; n++) {
      expect(follower.packet(n, n * UNITS)).toBe(CONTINUES);
      if (n > 200 && n % 2 === 0) {
        const stray = follower.packet(20_000 + n, 1e9 + n * UNITS);
        expect(stray).toBe(CANDIDATE);
        expect(follower.packet(20_000 + n, 1e9 + n * UNITS)).toBe(STRAY);
      }
    }
    expect([follower.lost, follower.restarts]).toEqual([0, 0]);
  });

  it('may follow a short one after a silence, with any number of packets overtaken', () => {
    for (const ahead of [33, 110, 500]) {
      const continuity = new StreamContinuity(RATE, true);
      const judge = (sequence: number, timestamp: number, duration: number) => {
        continuity.input.set([sequence, timestamp, duration]);
        return continuity.judge();
      };
      for (let n = 0; n < 100; n++) judge(n, n * UNITS, UNITS);
      // The last before a pause of a second holds a sixteenth of what packets usually have.
      judge(100, 100 * UNITS, UNITS / 16);
      expect(judge(100 + ahead, (150 + ahead) * UNITS, UNITS)).toBe(CONTINUES);
    }
  });

  it('may be late from before a silence, after others sent later', () => {
    const silence = 2.5 * RATE;
    const follower = new Follower();
    for (let n = 0; n < 100; n++) follower.packet(n, n * UNITS);
    // All of them at once, the first few of after the silence before those of before it, newest first.
    const after = Array.from({ length: 6 }, (_, i) => 160 + i);
    const before = Array.from({ length: 60 }, (_, i) => 159 - i);
    for (const n of [...after, ...before]) {
      expect(follower.packet(n, n * UNITS + (n < 160 ? 0 : silence))).toBe(CONTINUES);
    }
    expect(follower.lost).toBe(0);
  });

  it('without audio that more than a hundred packets have overtaken is late rather than a stray', () => {
    const follower = new Follower();
    for (let n = 1000; n < 1400; n++) if (n !== 1200) follower.packet(n, n * UNITS);
    expect(follower.packet(1200, 0, false)).toBe(CONTINUES);
    // It has come; and one from before the first never belonged to the run.
    expect(follower.packet(1200, 0, false)).toBe(STRAY);
    expect(follower.packet(900, 0, false)).toBe(STRAY);
  });

  it('without audio may have overtaken a burst of audio, none of which is refused then', () => {
    const follower = new Follower();
    for (let n = 0; n < 10; n++) follower.packet(n, n * UNITS);
    expect(follower.packet(400, 399 * UNITS, false)).toBe(CONTINUES);
    for (let n = 10; n < 400; n++) expect(follower.packet(n, n * UNITS)).toBe(CONTINUES);
    expect(follower.packet(401, 400 * UNITS)).toBe(CONTINUES);
    expect([follower.lost, follower.strays]).toEqual([0, 0]);
  });

  it('without audio is judged by its number if that is near, and moves no timeline', () => {
    const follower = new Follower();
    follower.packet(0, 0);
    expect(follower.packet(1, 0, false)).toBe(CONTINUES);
    expect(follower.packet(2, 3e9, false)).toBe(CONTINUES);
    expect(follower.packet(3, UNITS)).toBe(CONTINUES);
    expect([follower.continuity.jumped, follower.continuity.step]).toEqual([false, UNITS]);
    expect(follower.packet(500, 2 * UNITS, false)).toBe(STRAY);
    expect(follower.packet(501, 2 * UNITS, false)).toBe(STRAY);
    expect(follower.packet(4, 2 * UNITS)).toBe(CONTINUES);
    expect(follower.lost).toBe(0);
  });
});

describe('another source', () => {
  /** Packets of another source until it is followed, at most 1000; `first` is its first number. */
  function packetsUntilFollowed(probation: SourceProbation, ssrc: number, first: number): number {
    let count = 1;
    while (count < 1000 && !probation.heard(ssrc, first + count - 1)) count++;
    return count;
  }

  it('is followed after eight packets in a row, even if some of them were lost', () => {
    const probation = new SourceProbation();
    expect(packetsUntilFollowed(probation, 9, 100)).toBe(8);
    probation.reset();
    const numbers = [7, 8, 10, 11, 20, 21, 40, 41];
    expect(numbers.map((n) => probation.heard(9, n))).toEqual([
      ...Array.from({ length: 7 }, () => false),
      true,
    ]);
    probation.reset();
    const scattered = Array.from({ length: 16 }, (_, i) => (i % 2) * 20_000 + i);
    expect(scattered.map((n) => probation.heard(9, n))).not.toContain(true);
  });

  it('is followed though its packets are repeated, or out of order', () => {
    const twice = new SourceProbation();
    const numbers = [...Array(16).keys()];
    expect(numbers.map((n) => twice.heard(9, n >> 1)).indexOf(true)).toBe(14);
    const mixed = new SourceProbation();
    // 1 0 3 2 5 4 …: each second one was overtaken.
    expect(numbers.map((n) => mixed.heard(9, n ^ 1)).indexOf(true)).toBe(14);
  });

  it('needs four more packets each time that the source itself is heard between, up to 64', () => {
    const probation = new SourceProbation();
    const needed = Array.from({ length: 17 }, (_, i) => Math.min(64, 8 + 4 * i));
    for (const most of needed) {
      for (let n = 1; n < most; n++) expect(probation.heard(5, n)).toBe(false);
      probation.heardOwn();
    }
    expect(packetsUntilFollowed(probation, 5, 100)).toBe(64);
  });

  it('is followed soon if a few packets of the source before arrived between', () => {
    const probation = new SourceProbation();
    for (let n = 0; n < 3; n++) {
      probation.heard(5, n);
      probation.heardOwn();
    }
    expect(packetsUntilFollowed(probation, 5, 100)).toBe(20);
  });

  it('is soon followed again if 64 packets of the source itself came in a row', () => {
    const probation = new SourceProbation();
    for (let round = 0; round < 20; round++) {
      probation.heard(5, round);
      probation.heardOwn();
    }
    for (let n = 0; n < 62; n++) probation.heardOwn();
    probation.heard(5, 100);
    for (let n = 0; n < 64; n++) probation.heardOwn();
    expect(packetsUntilFollowed(probation, 5, 200)).toBe(8);
  });
});

it('a timestamp counts as a jump if neither the time nor a silence explains it', () => {
  expect(timestampJumped(UNITS, UNITS, RATE)).toBe(false);
  expect(timestampJumped(UNITS, 30 * RATE, RATE)).toBe(false); // a stall
  expect(timestampJumped(3600 * RATE, 3600 * RATE, RATE)).toBe(false); // a pause
  expect(timestampJumped(-50 * UNITS, 0, RATE)).toBe(false); // reordered
  expect(timestampJumped(3600 * RATE, UNITS, RATE)).toBe(true);
  expect(timestampJumped(-100 * RATE, UNITS, RATE)).toBe(true);
});
