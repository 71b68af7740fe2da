import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../demo/link/clock.ts';
import type { CongestionControlName } from '../demo/link/congestion-control.ts';
import { createCongestionControl } from '../demo/link/congestion-control.ts';
import { LinkModel } from '../demo/link/link-model.ts';
import type { Link } from '../demo/link/lane-path.ts';
import type { LinkSettings } from '../demo/link/settings.ts';
import { CLEAN, PRESETS } from '../demo/link/settings.ts';
import { TcpModel } from '../demo/link/tcp-model.ts';
import { seededRandom } from './helpers/random.ts';

/** A link with a fixed delay that loses the packets of the given numbers, counted from 0. */
function losing(
  delayMs: number,
  lost: readonly number[] = [],
): Link & { readonly sizes: number[] } {
  const sizes: number[] = [];
  return {
    sizes,
    fate(bytes, nowMs) {
      sizes.push(bytes);
      return lost.includes(sizes.length - 1) ? -1 : nowMs + delayMs;
    },
  };
}

interface Scenario {
  readonly forward: Link;
  readonly back: Link;
  /** When each message is sent, and its bytes. */
  readonly messages: readonly (readonly [atMs: number, bytes: number])[];
  readonly congestion?: CongestionControlName;
}

/** When each message arrives, in order of arrival, and the connection. */
function run({ forward, back, messages, congestion = 'cubic' }: Scenario) {
  const clock = new VirtualClock();
  const arrivals: (readonly [message: number, atMs: number])[] = [];
  const tcp = new TcpModel<number>({
    clock,
    forward,
    back,
    congestion,
    deliver: (message) => arrivals.push([message, clock.nowMs]),
  });
  for (const [index, [atMs, bytes]] of messages.entries()) {
    clock.runUntil(atMs);
    tcp.send(index, bytes);
  }
  clock.runUntil(clock.nowMs + 600_000);
  return { arrivals, times: arrivals.map(([, atMs]) => atMs), tcp };
}

const every20Ms = (count: number, bytes: number) =>
  Array.from({ length: count }, (_, i) => [i * 20, bytes] as const);

describe('TcpModel', () => {
  it('delivers after one delay if nothing is lost', () => {
    const forward = losing(25);
    const back = losing(25);
    const { times, tcp } = run({ forward, back, messages: every20Ms(100, 88) });
    expect(times).toEqual(every20Ms(100, 88).map(([atMs]) => atMs + 25));
    expect(tcp.counts).toMatchObject({
      segments: 100,
      retransmissions: 0,
      timeouts: 0,
      probes: 0,
      sentMessages: 100,
      deliveredMessages: 100,
      messageBytes: 8800,
      forwardBytes: 100 * (88 + 52),
      acknowledgements: 100,
    });
    expect(new Set(forward.sizes)).toEqual(new Set([140]));
    expect(new Set(back.sizes)).toEqual(new Set([52]));
    expect(tcp.bufferedBytes).toBe(0);
  });

  it('cuts a message into segments of 1448 bytes, and acknowledges both at once', () => {
    const forward = losing(25);
    const { tcp } = run({ forward, back: losing(25), messages: [[0, 1928]] });
    expect(forward.sizes).toEqual([1500, 480 + 52]);
    expect(tcp.counts.acknowledgements).toBe(1);
  });

  it('repairs a loss as soon as the next segment shows it, and holds up later segments', () => {
    // Messages at 0, 20 … of which the eleventh, at 200 ms, is lost. Its successor's acknowledgement comes at 220 + 50 ms,
    // 20 ms after the round trip and thus beyond the reordering window of 12.5 ms: the repair arrives at 270 + 25.
    const { times, tcp } = run({
      forward: losing(25, [10]),
      back: losing(25),
      messages: every20Ms(30, 88),
    });
    // Until it is acknowledged, at 320, a segment goes only for one that has come (RFC 6937): those of 280 and 300 wait 10 ms.
    const expected = every20Ms(30, 88).map(([atMs]) =>
      atMs === 280 || atMs === 300 ? atMs + 35 : Math.max(atMs + 25, atMs < 200 ? 0 : 295),
    );
    expect(times).toEqual(expected);
    expect(tcp.counts).toMatchObject({ retransmissions: 1, timeouts: 0, probes: 0 });
    expect(tcp.repeatedWireBytes).toBe(88 + 52);
    expect(tcp.counts.forwardBytes - tcp.repeatedWireBytes).toBe(30 * (88 + 52));
  });

  it('repairs a lost repair one round trip later', () => {
    // Number 10 is lost; sent again after numbers 11 to 13, as number 14 of all segments.
    const { times, tcp } = run({
      forward: losing(25, [10, 14]),
      back: losing(25),
      messages: every20Ms(30, 88),
    });
    // Sent again at 270 and lost. The message of 280 goes at 290 and is acknowledged at 340, and 1 ms later, being the fourth
    // word about the same gap.
    expect(times[10]).toBe(341 + 25);
    expect(tcp.counts).toMatchObject({ retransmissions: 2, timeouts: 0 });
  });

  it('sends a probe when the last segment is lost, and nothing follows', () => {
    // A connection that knows its round trip of 50 ms; then one message, lost. The probe goes after two round trips and
    // the 200 ms that a lone segment's acknowledgement may be delayed by, or at the time-out if that is earlier: 250 ms.
    const messages = [...every20Ms(50, 88), [2000, 88] as const];
    const { times, tcp } = run({ forward: losing(25, [50]), back: losing(25), messages });
    expect(times[50]! - 2000).toBeCloseTo(250 + 25, 0);
    expect(tcp.counts.probes).toBe(1);
    expect(tcp.counts.retransmissions).toBe(1);
  });

  it('doubles its wait after each time-out', () => {
    // The message, its probe and five repairs are lost.
    const lost = [50, 51, 52, 53, 54, 55, 56];
    const messages = [...every20Ms(50, 88), [2000, 88] as const];
    const { times, tcp } = run({ forward: losing(25, lost), back: losing(25), messages });
    // 250 for the probe, then 250, 500, 1000, 2000, 4000, 8000 for the time-outs.
    expect(times[50]! - 2000).toBeCloseTo(250 * (1 + 1 + 2 + 4 + 8 + 16 + 32) + 25, -1);
    expect(tcp.counts).toMatchObject({ probes: 1, timeouts: 6 });
  });

  it('starts with ten segments, and adds one for each acknowledged', () => {
    const forward = losing(50);
    const { times } = run({
      forward,
      back: losing(50),
      messages: Array.from({ length: 70 }, () => [0, 1448] as const),
    });
    const byRound = [0, 1, 2].map((round) => times.filter((t) => t === 50 + round * 100).length);
    expect(byRound).toEqual([10, 20, 40]);
    expect(forward.sizes).toHaveLength(70);
  });

  it('joins messages that wait for the window into full segments', () => {
    const forward = losing(50);
    run({
      forward,
      back: losing(50),
      // Ten segments go at once; the 90 that wait are joined.
      messages: Array.from({ length: 100 }, () => [0, 100] as const),
    });
    expect(forward.sizes.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 152));
    expect(forward.sizes.slice(10)).toEqual([
      1500,
      1500,
      1500,
      1500,
      1500,
      1500,
      9000 - 6 * 1448 + 52,
    ]);
  });

  it('reverts a time-out when its segment was only late', () => {
    // A link that stands still for 600 ms: everything is late and nothing lost.
    const link = (): LinkModel =>
      new LinkModel({ ...CLEAN, delayMs: 25, stallEveryMs: 3000, stallForMs: 600 }, 1);
    const { tcp, times } = run({ forward: link(), back: link(), messages: every20Ms(300, 88) });
    expect(tcp.counts.timeouts).toBeGreaterThan(0);
    // Sent again: the oldest, once for each time-out, and not all the others.
    expect(tcp.counts.retransmissions).toBeLessThanOrEqual(tcp.counts.timeouts + tcp.counts.probes);
    expect(times.at(-1)).toBe(299 * 20 + 25);
  });

  it('keeps a line of 64 kbit/s busy without overflowing its queue', () => {
    const settings: LinkSettings = PRESETS['cap-64'].settings;
    const { arrivals, tcp } = run({
      forward: new LinkModel(settings, 1),
      back: new LinkModel(settings, 2),
      messages: Array.from({ length: 200 }, () => [0, 1448] as const),
    });
    expect(arrivals).toHaveLength(200);
    // 1500 bytes take 187.5 ms; a tenth more for what was lost in the queue and sent again.
    const full = (200 * 1500 * 8) / 64;
    expect(arrivals.at(-1)![1]).toBeGreaterThan(full);
    expect(arrivals.at(-1)![1]).toBeLessThan(1.25 * full);
    expect(tcp.counts.forwardBytes).toBeLessThan(1.25 * 200 * 1500);
  });

  it.each(Object.entries(PRESETS))(
    'delivers everything once and in order over %s',
    (_name, { settings }) => {
      for (const congestion of ['cubic', 'reno'] as const) {
        const random = seededRandom(3);
        let atMs = 0;
        const messages = Array.from({ length: 1500 }, () => {
          atMs += random() * 40;
          return [atMs, 1 + Math.floor(random() * 4000) * (random() < 0.2 ? 1 : 0.05)] as const;
        }).map(([at, bytes]) => [at, Math.ceil(bytes)] as const);
        const { arrivals, tcp } = run({
          forward: new LinkModel(settings, 5),
          back: new LinkModel(settings, 6),
          messages,
          congestion,
        });
        expect(arrivals.map(([message]) => message)).toEqual(messages.map((_, i) => i));
        expect(arrivals.every(([i, at]) => at >= messages[i]![0])).toBe(true);
        expect(tcp.bufferedBytes).toBe(0);
      }
    },
  );

  it('survives any mixture of loss, reordering, stalls and changes', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(seed);
      const settings = (): LinkSettings => ({
        ...CLEAN,
        delayMs: random() * 100,
        jitterMs: random() * 80,
        lossRatio: random() * 0.4,
        burstLength: 1 + random() * 5,
        reorderRatio: random() * 0.3,
        reorderMs: random() * 200,
        rateKbps: random() < 0.5 ? 0 : 100 + random() * 1000,
        stallEveryMs: random() < 0.5 ? 0 : 1000,
        stallForMs: random() * 300,
      });
      const [forward, back] = [new LinkModel(settings(), seed), new LinkModel(settings(), -seed)];
      const clock = new VirtualClock();
      const arrived: number[] = [];
      const tcp = new TcpModel<number>({
        clock,
        forward,
        back,
        deliver: (message) => arrived.push(message),
      });
      for (let i = 0; i < 300; i++) {
        clock.runUntil(i * 20);
        if (i % 50 === 49) [forward.settings, back.settings] = [settings(), settings()];
        tcp.send(i, 1 + Math.floor(random() * 3000));
      }
      [forward.settings, back.settings] = [CLEAN, CLEAN];
      clock.runUntil(1e6);
      expect(arrived).toEqual(Array.from({ length: 300 }, (_, i) => i));
      expect(tcp.bufferedBytes).toBe(0);
    }
  });

  it('gives the same result with the same seeds, and delivers nothing once closed', () => {
    const settings = { ...CLEAN, delayMs: 25, jitterMs: 5, lossRatio: 0.05 };
    const once = () =>
      run({
        forward: new LinkModel(settings, 1),
        back: new LinkModel(settings, 2),
        messages: every20Ms(500, 1928),
      });
    expect(once().times).toEqual(once().times);
    const clock = new VirtualClock();
    const tcp = new TcpModel<number>({
      clock,
      forward: losing(25),
      back: losing(25),
      deliver: () => expect.unreachable(),
    });
    tcp.send(1, 10);
    tcp.close();
    tcp.send(2, 10);
    clock.runUntil(1000);
  });
});

describe('congestion control', () => {
  it('halves the window as Reno, keeps seven tenths as CUBIC, and two segments in any case', () => {
    const [reno, cubic] = [createCongestionControl('reno'), createCongestionControl('cubic')];
    expect([11, 4, 3, 2].map((window) => reno.afterLoss(window))).toEqual([5, 2, 2, 2]);
    expect([100, 11, 4, 2].map((window) => cubic.afterLoss(window))).toEqual([70, 7, 2, 2]);
  });

  it('returns to the window before a loss when RFC 9438 says', () => {
    const cubic = createCongestionControl('cubic');
    let window = cubic.afterLoss(1000);
    expect(window).toBe(700);
    let towards = 0;
    let backAtMs = 0;
    // 50 ms a round trip, acknowledged one by one.
    for (let now = 0; now < 12_000; now += 50 / window) {
      const perStep = cubic.segmentsPerStep(window, 1, now, 0);
      if (++towards >= perStep) {
        towards = 0;
        window++;
      }
      if (window === 999 && backAtMs === 0) backAtMs = now;
    }
    // K = cbrt(W_max (1 - β) / C): 9.09 s for 1000 segments. One segment before it: (1 / C)^(1/3) = 1.36 s earlier.
    expect(backAtMs / 1000).toBeCloseTo(Math.cbrt(300 / 0.4) - Math.cbrt(1 / 0.4), 0);
  });
});
