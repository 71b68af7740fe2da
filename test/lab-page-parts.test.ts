import { describe, expect, it } from 'vitest';
import { AbxTest, trimOf } from '../demo/page/abx.ts';
import { CALL_CHARTS, callChartData } from '../demo/page/call-charts.ts';
import type { ComparisonStatusSubject } from '../demo/page/status.ts';
import { comparisonStatus } from '../demo/page/status.ts';
import { joinedHistories } from '../demo/lanes/lane-history.ts';
import { LANES } from '../demo/lanes/lanes.ts';
import { LaneHistory } from '../demo/lanes/lane-history.ts';
import { LANE_IDS } from '../demo/lanes/lane-ids.ts';
import {
  MAIN_CONTROLS,
  MORE_CONTROLS,
  SLIDER_STEPS,
  controlText,
  positionOf,
  valueAt,
  withControl,
} from '../demo/page/link-controls.ts';
import { CLEAN, LINK_RANGES, PRESETS, checkLinkSettings } from '../demo/link/settings.ts';
import { LoudnessHistory } from '../demo/loudness/loudness-history.ts';
import { loudnessColumns, loudnessSpan } from '../demo/loudness/loudness-columns.ts';
import { NO_FIGURES } from '../demo/measure/metrics.ts';
import { metricText, metricUnit, metricWithUnit } from '../demo/page/format.ts';
import { seededRandom } from './helpers/random.ts';

describe('a metric as text', () => {
  it('has its digits, its unit, and a dash where it is not known', () => {
    expect(metricText('latency_p50_ms', 1234.4)).toBe('1,234');
    expect(metricText('loss_ratio', 0.0512)).toBe('5.1');
    expect(metricUnit('loss_ratio')).toBe('%');
    expect(metricText('seg_snr_db', -3.21)).toBe('−3.2');
    // Never "−0.0".
    expect(metricText('seg_snr_db', -0.01)).toBe('0.0');
    expect([null, undefined, NaN, Infinity].map((x) => metricText('bitrate_kbps', x))).toEqual([
      '–',
      '–',
      '–',
      '–',
    ]);
    expect(metricWithUnit('bitrate_kbps', 32)).toBe('32.0 kbit/s');
    expect(metricWithUnit('bitrate_kbps', null)).toBe('–');
  });
});

describe('the sliders of the link', () => {
  const all = [...MAIN_CONTROLS, ...MORE_CONTROLS];

  it('cover every number of the settings, and never leave its range', () => {
    expect(all.map(({ name }) => name).toSorted()).toEqual(Object.keys(LINK_RANGES).toSorted());
    for (const control of all) {
      const { min, max } = LINK_RANGES[control.name];
      for (let position = 0; position <= SLIDER_STEPS; position++) {
        const value = valueAt(control, position);
        expect(value).toBeGreaterThanOrEqual(min);
        expect(value).toBeLessThanOrEqual(max);
        expect(controlText(control, value)).toMatch(/\d|no limit|never/);
      }
      expect(positionOf(control, valueAt(control, 0))).toBe(0);
      expect(positionOf(control, valueAt(control, SLIDER_STEPS))).toBe(SLIDER_STEPS);
    }
  });

  it('rise with the position, and show every preset near where it is', () => {
    for (const control of all) {
      let before = -1;
      for (let position = 0; position <= SLIDER_STEPS; position++) {
        const value = valueAt(control, position);
        expect(value).toBeGreaterThanOrEqual(before);
        before = value;
      }
      for (const { settings } of Object.values(PRESETS)) {
        const value = settings[control.name];
        if (value / control.factor > control.high) continue;
        const back = valueAt(control, positionOf(control, value));
        const coarse = Math.max(2 * control.step * control.factor, value * 0.12);
        expect(Math.abs(back - value)).toBeLessThanOrEqual(coarse);
      }
    }
  });

  it('keep stalls shorter than the time between them', () => {
    let settings = withControl(CLEAN, 'stallEveryMs', 1000);
    settings = withControl(settings, 'stallForMs', 3000);
    expect(settings.stallEveryMs).toBeGreaterThan(3000);
    settings = withControl(settings, 'stallEveryMs', 500);
    expect(() => checkLinkSettings(settings)).not.toThrow();
  });
});

describe('a blind comparison', () => {
  it('draws X again after each guess, counts, and gives the probability of chance', () => {
    const test = new AbxTest('opus-rtp-dc', 'webrtc', seededRandom(7));
    expect(test.chance).toBe(1);
    let right = 0;
    const heard = new Set<string>();
    for (let i = 0; i < 10; i++) {
      heard.add(test.laneOf('X'));
      if (test.guess('A')) right++;
    }
    expect(heard).toEqual(new Set(['opus-rtp-dc', 'webrtc']));
    expect([test.right, test.guesses]).toEqual([right, 10]);
    // Binomial: 8 of 8 by chance is 1 in 256; 7 of 8, 9 in 256.
    const sure = new AbxTest('opus-rtp-dc', 'webrtc', () => 0);
    for (let i = 0; i < 8; i++) sure.guess('A');
    expect(sure.chance).toBeCloseTo(1 / 256, 12);
    const nearly = new AbxTest('opus-rtp-dc', 'webrtc', () => 0);
    for (let i = 0; i < 8; i++) nearly.guess(i === 0 ? 'B' : 'A');
    expect(nearly.chance).toBeCloseTo(9 / 256, 12);
  });
});

describe('the lanes of a blind comparison', () => {
  const of = (latency: number | null, level: number | null) => ({
    latency_p50_ms: latency,
    level_db: level,
  });

  it('play at the delay of the later one, and at the level of the quieter one', () => {
    const [early, late] = [of(57, 0.5), of(180, -1.5)];
    const [ofEarly, ofLate] = [trimOf(early, late)!, trimOf(late, early)!];
    expect(ofEarly.delaySeconds).toBeCloseTo(0.123, 9);
    expect(20 * Math.log10(ofEarly.gain)).toBeCloseTo(-2, 9);
    expect(ofLate).toEqual({ delaySeconds: 0, gain: 1 });
  });

  it('are not compared while one of them is not known', () => {
    for (const unknown of [of(null, 0), of(50, null)]) {
      expect(trimOf(unknown, of(50, 0))).toBeNull();
      expect(trimOf(of(50, 0), unknown)).toBeNull();
    }
  });
});

describe('the marks of lanes', () => {
  it('distinguish all lanes without colour, by shape and by dashes within a colour', () => {
    const shapes = LANE_IDS.map(
      (id) => `${LANES[id].mark.colour} ${LANES[id].mark.shape} ${LANES[id].mark.hollow}`,
    );
    const lines = LANE_IDS.map((id) => `${LANES[id].mark.colour} ${LANES[id].mark.dash.join()}`);
    expect(new Set(shapes).size).toBe(LANE_IDS.length);
    expect(new Set(lines).size).toBe(LANE_IDS.length);
  });
});

describe('charts', () => {
  it('put lanes that were opened at different times onto one axis', () => {
    const early = new LaneHistory();
    const late = new LaneHistory();
    for (let second = 0; second < 5; second++) {
      early.add(100 + second + 0.01, { ...NO_FIGURES, loss_ratio: second / 100 });
      if (second >= 3) late.add(100 + second - 0.01, { ...NO_FIGURES, loss_ratio: 0.5 });
    }
    const [times, first, second] = joinedHistories([early, late], 'loss_ratio', 100);
    expect(times).toEqual([100, 101, 102, 103, 104]);
    expect(first).toEqual([0, 1, 2, 3, 4]);
    expect(second).toEqual([null, null, null, 50, 50]);
  });

  it('show the figures of a call between two reports', () => {
    const none = { timestamp: 0 } as never;
    const zero = new Proxy(none, { get: (_, name) => (name === 'timestamp' ? 1000 : 0) });
    const report = {
      timestamp: 2000,
      packetsLost: 1,
      packetsReceived: 49,
      jitterBufferDelay: 48,
      jitterBufferEmittedCount: 960,
      totalSamplesReceived: 960,
      concealedSamples: 48,
    };
    const one = new Proxy(none, {
      get: (_, name) => (report as Record<string, number>)[String(name)] ?? 0,
    });
    const column = (title: string, label: string) => {
      const chart = CALL_CHARTS.find((each) => each.title === title)!;
      const line = chart.lines.findIndex((each) => each.label === label);
      return callChartData(chart, [zero, one])[line + 1];
    };
    expect(column('Delay', 'jitter buffer')).toEqual([50]);
    expect(column('Loss and repair', 'lost')).toEqual([2]);
    expect(column('Loss and repair', 'concealed')).toEqual([5]);
  });

  it('show loudness in LUFS or LU, within the scale, and nothing during silence', () => {
    const history = new LoudnessHistory();
    history.add(0.1, -23, -Infinity);
    history.add(0.2, -90, -20);
    expect(loudnessSpan('+9', 'LUFS')).toEqual([-41, -14]);
    const [seconds, momentary, shortTerm, target, integrated] = loudnessColumns(
      history,
      -24,
      '+9',
      'LUFS',
    );
    expect(seconds).toEqual([0, 0.1]);
    expect(momentary).toEqual([-23, -41]);
    expect(shortTerm).toEqual([null, -20]);
    expect(target).toEqual([-23, -23]);
    expect(integrated).toEqual([-24, -24]);
    expect(loudnessColumns(history, -24, '+9', 'LU')[1]).toEqual([0, -18]);
  });
});

describe('the status of all lanes', () => {
  const lane = (id: string, state: string) => ({
    id,
    state,
    kind: { label: id },
    lane: state === 'running' ? {} : null,
  });
  const subject = (changes: object): ComparisonStatusSubject =>
    ({
      phase: 'running',
      problem: null,
      stage: { kind: 'speech' },
      source: { label: 'Speech sample, looped' },
      suspended: false,
      context: { state: 'running' },
      lanes: [lane('one', 'running'), lane('two', 'off')],
      heard: 'one',
      muted: false,
      progress: null,
      ...changes,
    }) as unknown as ComparisonStatusSubject;

  const microphone = (state: string, facts: object = {}) => ({
    source: { label: 'Fake', microphone: { state, advice: null, muted: null, ...facts } },
  });

  it.each([
    [{ phase: 'idle' }, 'idle', /Ready.*Press Start/],
    [{ phase: 'starting', stage: { kind: 'microphone' }, source: null }, 'busy', /asks whether/],
    [{}, 'good', /Running.*One lane; you hear one/],
    [{ heard: 'two' }, 'good', /press one to hear it/],
    [{ heard: 'source' }, 'good', /you hear the source/],
    [{ muted: true }, 'good', /output is muted/],
    [{ lanes: [lane('one', 'running'), lane('two', 'opening')] }, 'busy', /Opening/],
    [{ lanes: [lane('one', 'failed')] }, 'warning', /One lane is not up.*one/],
    [{ suspended: true, context: { state: 'suspended' } }, 'warning', /blocking the audio/],
    [{ suspended: true, context: { state: 'interrupted' } }, 'warning', /interrupted/],
    [microphone('muted', { muted: 'light' }), 'idle', /have muted.*light is off/],
    [microphone('live', { advice: 'It is silent. Look.' }), 'warning', /silent\. Look/],
    [
      microphone('blocked', { advice: 'It is blocked. Allow it.' }),
      'problem',
      /blocked\. Allow it/,
    ],
    [{ ...microphone('lost'), progress: {} }, 'warning', /microphone is gone/],
    [{ progress: {} }, 'good', /run is being measured/],
  ] as const)('%j: %s', (changes, tone, words) => {
    const status = comparisonStatus(subject(changes));
    expect(status.tone).toBe(tone);
    expect(`${status.title} ${status.detail}`).toMatch(words);
  });
});
