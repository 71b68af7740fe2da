import { describe, expect, it } from 'vitest';
import { isCumulative, liveFigures } from '../demo/lanes/lane-figures.ts';
import type { LaneId } from '../demo/lanes/lane-ids.ts';
import { LANE_IDS } from '../demo/lanes/lane-ids.ts';
import type { Readiness } from '../demo/lanes/readiness.ts';
import type { LaneFigures, LaneTotals } from '../demo/measure/metrics.ts';
import { NO_FIGURES } from '../demo/measure/metrics.ts';
import type { AnswerSubject } from '../demo/page/answer.ts';
import { answerOf, machineLoad } from '../demo/page/answer.ts';
import type { NeedId } from '../demo/page/needs.ts';
import { NEED_IDS } from '../demo/page/needs.ts';
import { bestIds, differenceText, nextOrder, orderedIds } from '../demo/page/row-order.ts';

/*
 * What the page recommends, and how it orders and marks its table: from figures alone.
 */

/** Latency, the same at 95 %, bitrate; and how much of the audio was recognised and concealed. */
function figures(
  latency: number,
  worse: number,
  kbps: number,
  { match = 1, concealed = 0 as number | null } = {},
): LaneFigures {
  return {
    ...NO_FIGURES,
    latency_p50_ms: latency,
    latency_p95_ms: worse,
    bitrate_kbps: kbps,
    match_ratio: match,
    concealed_ratio: concealed,
  };
}

const SEEN: Readonly<Partial<Record<LaneId, LaneFigures>>> = {
  'pcm-binary-ws': figures(48, 120, 801, { concealed: 0.02 }),
  'opus-binary-ws': figures(70, 140, 56),
  'opus-rtp-dc': figures(52, 60, 64),
  webrtc: figures(58, 66, 40),
};

const ready = (ids: readonly LaneId[]): Readiness<LaneId> => ({
  state: 'ready',
  ready: ids,
  silent: [],
  down: [],
});

function subject(need: NeedId, changes: Partial<AnswerSubject> = {}): AnswerSubject {
  const lanes = Object.entries(SEEN).map(([id, each]) => ({ id: id as LaneId, figures: each }));
  return {
    readiness: ready(lanes.map(({ id }) => id)),
    lanes,
    need,
    baseline: 'webrtc',
    settings: { latencyCost: 0.5 },
    active: true,
    suspended: false,
    ...changes,
  };
}

/** The same lanes, but some of them with other figures. */
function withFigures(
  need: NeedId,
  others: Readonly<Partial<Record<LaneId, LaneFigures>>>,
): AnswerSubject {
  const seen = Object.entries({ ...SEEN, ...others });
  const lanes = seen.map(([id, each]) => ({ id: id as LaneId, figures: each }));
  return subject(need, { lanes, readiness: ready(lanes.map(({ id }) => id)) });
}

describe('the recommendation by need', () => {
  it.each([
    ['delay', 'pcm-binary-ws', '48 ms', 'Price: 801.0 kbit/s, 20 times WebRTC.'],
    ['data', 'webrtc', '40.0 kbit/s', 'Price: 58 ms.'],
    [
      'network',
      'opus-rtp-dc',
      '60 ms',
      'In its worse moments (95 %), with 0.00 % of the audio concealed. Price: 64.0 kbit/s, 1.6 times WebRTC.',
    ],
    [
      'build',
      'pcm-binary-ws',
      '1 part',
      'It needs a WebSocket server. Price: 48 ms, 10 ms earlier than WebRTC; 801.0 kbit/s, 20 times WebRTC.',
    ],
    [
      'firewall',
      'pcm-binary-ws',
      '48 ms',
      'It goes over TLS on TCP port 443, as web pages do. Price: 801.0 kbit/s, 20 times WebRTC.',
    ],
  ] as const)('%s: %s, %s', (need, lane, number, detail) => {
    expect(answerOf(subject(need))).toMatchObject({ tone: 'good', lane, number, detail });
  });

  it('names the bitrate, and ranks every lane, whichever need is chosen', () => {
    for (const need of NEED_IDS) {
      const { detail, number, ranking } = answerOf(subject(need));
      expect(`${number} ${detail}`).toMatch(/kbit\/s/);
      expect(ranking.toSorted()).toEqual(Object.keys(SEEN).toSorted());
    }
    expect(answerOf(subject('delay')).ranking).toEqual([
      'pcm-binary-ws',
      'opus-rtp-dc',
      'webrtc',
      'opus-binary-ws',
    ]);
    // Over UDP they do not qualify, however quick they are.
    expect(answerOf(subject('firewall')).ranking.slice(0, 2)).toEqual([
      'pcm-binary-ws',
      'opus-binary-ws',
    ]);
  });

  it('picks the cheaper of two lanes that differ too little to hear', () => {
    const near = withFigures('delay', { webrtc: figures(50.9, 60, 40) });
    expect(answerOf(near).lane).toBe('webrtc');
    const apart = withFigures('delay', { webrtc: figures(51.1, 60, 40) });
    expect(answerOf(apart).lane).toBe('pcm-binary-ws');
  });

  it('weighs concealed audio against delay by the lab’s own exchange rate', () => {
    // 0.5 % is worth 100 ms.
    const concealing = withFigures('network', {
      'opus-rtp-dc': figures(52, 60, 64, { concealed: 0.0005 }),
    });
    expect(answerOf(concealing).lane).toBe('webrtc');
    const cheap = { ...concealing, settings: { latencyCost: 50 } };
    expect(answerOf(cheap).lane).toBe('opus-rtp-dc');
    // Where a lane does not tell what it conceals, what was not recognised counts.
    const recorder = withFigures('network', {
      'recorder-json-ws': figures(20, 30, 70, { match: 0.95, concealed: null }),
    });
    expect(answerOf(recorder).ranking.at(-1)).toBe('recorder-json-ws');
  });

  it('recommends no lane that loses too much, and says which ones do', () => {
    const losing = withFigures('delay', {
      'pcm-binary-ws': figures(20, 30, 801, { match: 0.4 }),
    });
    const answer = answerOf(losing);
    expect(answer.lane).toBe('opus-rtp-dc');
    expect(answer.ranking.at(-1)).toBe('pcm-binary-ws');
    expect(answer.notes).toEqual([
      'Binary PCM over WebSocket loses too much of the audio to be of use here.',
    ]);
    const silent = {
      ...NO_FIGURES,
      match_ratio: 0,
    };
    const nothing = subject('delay', {
      lanes: [{ id: 'webrtc', figures: silent }],
      readiness: ready(['webrtc']),
    });
    expect(answerOf(nothing)).toMatchObject({ tone: 'warning', lane: null });
    expect(answerOf(nothing).notes).toEqual([
      'WebRTC loses too much of the audio to be of use here.',
    ]);
  });

  it('says which lanes are silent or down, and that no lane meets a need', () => {
    const some = subject('firewall', {
      readiness: {
        state: 'ready',
        ready: ['webrtc'],
        silent: ['opus-rtp-dc'],
        down: ['webrtc-red'],
      },
    });
    expect(answerOf(some)).toMatchObject({
      lane: null,
      title: 'No running lane meets this need.',
      notes: ['No audio arrives from Opus over a data channel.', 'Not connected: WebRTC, RED.'],
    });
  });

  it('compares no price with a baseline that is not ready', () => {
    const lone = subject('delay', { readiness: ready(['pcm-binary-ws']) });
    expect(answerOf(lone).detail).toBe('Price: 801.0 kbit/s.');
  });

  it('says what to do before the start, without a lane, and while the audio is suspended', () => {
    const idle = { readiness: { state: 'idle' } as const };
    expect(answerOf(subject('delay', { ...idle, active: false })).detail).toMatch(/press Start/);
    expect(answerOf(subject('delay', idle)).title).toBe('No lane is running.');
    expect(answerOf(subject('delay', { suspended: true }))).toMatchObject({ lane: null });
  });

  it('shows n of m while lanes settle, and the cure of a void run', () => {
    const settling = answerOf(
      subject('delay', {
        readiness: {
          state: 'settling',
          count: 4,
          ready: ['pcm-binary-ws'],
          waiting: ['webrtc', 'opus-rtp-dc'],
          secondsLeft: 3,
        },
      }),
    );
    expect(settling.title).toBe('Settling: 1 of 4 lanes ready.');
    expect(settling.detail).toMatch(/About 3 s left\. Not ready: WebRTC; Opus, data channel\./);
    const empty = answerOf(
      subject('delay', { readiness: { state: 'void', latenessMs: 12.34, droppedMs: 0 } }),
    );
    expect(empty.detail).toMatch(/12\.3 ms late.*Run fewer lanes, lower the encoder complexity/);
  });
});

describe('the load of the machine', () => {
  it('voids a run above its limit, and is high above half of it', () => {
    expect(machineLoad(null, 0).level).toBe('unknown');
    expect(machineLoad(2.5, 0).level).toBe('light');
    expect(machineLoad(2.6, 0).level).toBe('high');
    expect(machineLoad(5.1, 0).level).toBe('too-high');
    expect(machineLoad(0.1, 3)).toEqual({
      level: 'too-high',
      text: 'Machine load: too high (network 0.1 ms late, 3 ms of audio lost)',
    });
  });
});

describe('the table', () => {
  const lanes = Object.entries(SEEN).map(([id, each]) => ({ id: id as LaneId, figures: each }));
  const unknown = { id: 'webrtc-red' as LaneId, figures: NO_FIGURES };

  it('sorts by a column, best first, then worst first, then as listed', () => {
    const first = nextOrder('bitrate_kbps', { by: 'need' });
    expect(first).toEqual({ by: 'bitrate_kbps', direction: 'ascending' });
    const second = nextOrder('bitrate_kbps', first);
    expect(second).toEqual({ by: 'bitrate_kbps', direction: 'descending' });
    expect(nextOrder('bitrate_kbps', second)).toEqual({ by: 'table' });
    expect(nextOrder('match_ratio', second)).toEqual({
      by: 'match_ratio',
      direction: 'descending',
    });
    const all = [unknown, ...lanes];
    expect(orderedIds(all, first, [])).toEqual([
      'webrtc',
      'opus-binary-ws',
      'opus-rtp-dc',
      'pcm-binary-ws',
      'webrtc-red',
    ]);
    expect(orderedIds(all, second, []).at(0)).toBe('pcm-binary-ws');
    expect(orderedIds(all, second, []).at(-1)).toBe('webrtc-red');
    expect(orderedIds(all, { by: 'table' }, [])).toEqual(all.map(({ id }) => id));
    expect(orderedIds(all, { by: 'need' }, ['webrtc', 'opus-rtp-dc'])).toEqual([
      'webrtc',
      'opus-rtp-dc',
      'webrtc-red',
      'pcm-binary-ws',
      'opus-binary-ws',
    ]);
  });

  it('marks the best of a column as it is shown, by the metric’s own direction', () => {
    expect(bestIds('bitrate_kbps', lanes)).toEqual(['webrtc']);
    expect(bestIds('latency_p50_ms', [...lanes, unknown])).toEqual(['pcm-binary-ws']);
    // Three show 0.00 %.
    expect(bestIds('concealed_ratio', lanes)).toEqual(['opus-binary-ws', 'opus-rtp-dc', 'webrtc']);
    expect(bestIds('match_ratio', lanes)).toEqual([]);
    expect(bestIds('packets_sent', lanes)).toEqual([]);
    expect(bestIds('bitrate_kbps', [])).toEqual([]);
    const worse = { id: 'webrtc-red' as LaneId, figures: { ...NO_FIGURES, match_ratio: 0.5 } };
    expect(bestIds('match_ratio', [worse, lanes[0]!])).toEqual(['pcm-binary-ws']);
  });

  it('shows differences to the baseline: bitrates as a factor', () => {
    expect(differenceText('latency_p50_ms', 48.2, 58)).toBe('−10');
    expect(differenceText('latency_p50_ms', 1158, 58)).toBe('+1,100');
    expect(differenceText('latency_p50_ms', 58.2, 58)).toBe('± 0');
    expect(differenceText('bitrate_kbps', 801, 40)).toBe('× 20');
    expect(differenceText('bitrate_kbps', 56, 40)).toBe('× 1.4');
    expect(differenceText('concealed_ratio', 0.02, 0.001)).toBe('+1.90');
    expect(differenceText('concealed_ratio', null, 0.001)).toBe('');
    expect(differenceText('bitrate_kbps', 40, 0)).toBe('');
  });
});

describe('live figures', () => {
  const reading = (atMs: number, packets: number): LaneTotals => ({
    atMs,
    packetsSent: packets,
    packetsReceived: packets,
    packetsLost: 0,
    wireBytes: packets * 100,
    repeatedBytes: 0,
  });

  it('are all of one window, counters included', () => {
    // 50 packets a second, from the fifth second on 100.
    const readings = Array.from({ length: 10 }, (_, i) =>
      reading(i * 1000, i < 5 ? i * 50 : 200 + (i - 4) * 100),
    );
    const shown = liveFigures(readings, null, { fromMs: 1800, toMs: 6800 });
    // From second 2 to second 7: 100 to 500 packets.
    expect(shown.bitrate_kbps).toBeCloseTo((400 * 100 * 8) / 5 / 1000, 9);
    // Counted from the opening, and up to now.
    expect(shown.packets_sent).toBe(700);
    const both = { from: isCumulative('packets_sent'), rate: isCumulative('loss_ratio') };
    expect(both).toEqual({ from: true, rate: false });
  });

  it('use nothing from before the window, and no rate of a single reading', () => {
    const readings = [reading(900, 0), reading(1900, 10), reading(2900, 20)];
    const shown = liveFigures(readings, null, { fromMs: 1000, toMs: 6000 });
    expect(shown.bitrate_kbps).toBeCloseTo((10 * 100 * 8) / 1000, 9);
    const { bitrate_kbps } = liveFigures([reading(900, 0)], null, { fromMs: 0, toMs: 5000 });
    expect(bitrate_kbps).toBeNull();
  });
});

describe('every lane', () => {
  it('lists the parts that have to be built for it, and how it passes a firewall', async () => {
    const { LANES } = await import('../demo/lanes/lanes.ts');
    for (const id of LANE_IDS) {
      const { parts, firewall, path } = LANES[id];
      expect(parts.length, id).toBeGreaterThan(0);
      const ways: Record<string, string> = { WebSocket: 'tls', WebTransport: 'udp' };
      expect(firewall, id).toBe(ways[path.at(-1)!] ?? 'turn');
      expect(parts.includes('a TURN server'), id).toBe(firewall === 'turn');
    }
  });
});
