import { describe, expect, it } from 'vitest';
import { LANE_IDS } from '../demo/lanes/lane-ids.ts';
import { PRESETS } from '../demo/link/settings.ts';
import type { LaneFigures, LaneMetricId } from '../demo/measure/metrics.ts';
import { NO_FIGURES } from '../demo/measure/metrics.ts';
import {
  DEFAULT_RUN,
  lanesNamed,
  linkOf,
  linkText,
  queryOf,
  settingsOf,
} from '../demo/runs/address.ts';
import { performRun } from '../demo/runs/perform-run.ts';
import type { RunStage } from '../demo/runs/perform-run.ts';
import { spreadOf, tableVoidReason, tablesOf, voidReason } from '../demo/runs/results.ts';
import type { Repetition, RunProgress, RunResults, RunSettings, Spread } from '../demo/runs/run.ts';
import { csvOf, rowsOf } from '../demo/runs/run-rows.ts';
import { runMarkdown, runText } from '../demo/runs/run-text.ts';
import { verdictOf } from '../demo/runs/verdict.ts';

/*
 * What the lab makes of figures: runs, tables, files, addresses, verdicts.
 */

describe('addresses', () => {
  it('hold the settings that differ, and restore them', () => {
    expect(queryOf(DEFAULT_RUN)).toBe('');
    const custom = linkOf('custom:delayMs:60:jitterMs:30:lossRatio:0.05:keepOrder:true')!;
    const settings: RunSettings = {
      ...DEFAULT_RUN,
      source: 'music',
      lanes: ['opus-rtp-dc', 'webrtc'],
      links: [{ name: 'loss-5', settings: PRESETS['loss-5'].settings }, custom],
      chunkDurationMs: 40,
      bitrate: 24_000,
      copies: 2,
      latencyCost: 2.5,
      seconds: 30,
      repetitions: 7,
    };
    const query = queryOf(settings);
    expect(query).toBe(
      'source=music&lanes=opus-rtp-dc,webrtc&link=loss-5,custom:delayMs:60:jitterMs:30:lossRatio:0.05:keepOrder:true' +
        '&frame=40&bitrate=24000&copies=2&cost=2.5&seconds=30&runs=7',
    );
    expect(settingsOf(`?${query}`)).toEqual(settings);
  });

  it('ignore invalid settings and keep the current ones', () => {
    const nonsense =
      'source=radio&lanes=telegraph&link=moon,custom:delayMs:-1,custom:x&frame=33&bitrate=1e9&seconds=NaN&runs=0&cost=-1&copies=many';
    expect(settingsOf(nonsense)).toEqual(DEFAULT_RUN);
    expect(settingsOf('')).toEqual(DEFAULT_RUN);
    expect(settingsOf('copies=adaptive', { ...DEFAULT_RUN, copies: 3 })).toEqual(DEFAULT_RUN);
    expect(settingsOf('lanes=webrtc,telegraph&link=moon,clean').lanes).toEqual(['webrtc']);
  });

  it('name every link of the list, and round trip custom ones', () => {
    for (const name of Object.keys(PRESETS)) expect(linkText(linkOf(name)!)).toBe(name);
    expect(linkOf('custom')!.settings).toEqual(PRESETS.clean.settings);
    expect(linkOf('toString')).toBeNull();
  });

  it('select lanes by name, in the order of the table, and list them all in an error', () => {
    expect(lanesNamed('webrtc,pcm-json-ws')).toEqual(['pcm-json-ws', 'webrtc']);
    expect(lanesNamed('all')).toEqual(LANE_IDS);
    expect(() => lanesNamed('opus')).toThrow(/no lane 'opus'. Lanes: pcm-json-ws, /);
  });
});

const spread = (median: number, range = 0): Spread => ({
  median,
  min: median - range,
  max: median + range,
  count: 5,
});

function lane(
  latency: number,
  kbps: number,
  { concealed = 0, match = 1, range = 1 } = {},
): Partial<Record<LaneMetricId, Spread | null>> {
  return {
    latency_p50_ms: Number.isFinite(latency) ? spread(latency, range) : null,
    bitrate_kbps: spread(kbps),
    concealed_ratio: spread(concealed),
    match_ratio: spread(match),
  };
}

describe('the verdict', () => {
  it('compares the quickest of ours with WebRTC, in latency and bitrate', () => {
    const verdict = verdictOf({
      'opus-rtp-dc': lane(58, 90),
      'opus-binary-ws': lane(110, 56),
      webrtc: lane(70, 45),
      'webrtc-red': lane(72, 80),
    });
    expect(verdict).toBe(
      'Opus over a data channel is 12 ms ahead of WebRTC (58 ms to 70 ms), at twice its bitrate.',
    );
  });

  it('changes when WebRTC is ahead, and mentions concealment and ranges that overlap', () => {
    const verdict = verdictOf({
      'opus-rtp-dc': lane(90, 60, { concealed: 0.05, range: 30 }),
      webrtc: lane(70, 60, { concealed: 0.01, range: 5 }),
    });
    expect(verdict).toBe(
      'WebRTC is 20 ms ahead of Opus over a data channel (70 ms to 90 ms, in ranges that overlap), at about the same bitrate, ' +
        'and conceals less of the audio (1.0 %, not 5.0 %).',
    );
  });

  it('calls lanes equal if their difference is too small to notice', () => {
    expect(verdictOf({ 'opus-binary-ws': lane(40, 30), webrtc: lane(42, 60) })).toBe(
      'Opus over WebSocket is as quick as WebRTC (40 ms), at 50 % of its bitrate.',
    );
  });

  it('names lanes that lose too much, and never calls one of them the best', () => {
    const verdict = verdictOf({
      'pcm-json-ws': lane(10, 1100, { match: 0.3 }),
      'pcm-binary-ws': lane(Infinity, 800, { match: 0 }),
      'opus-binary-ws': lane(90, 56),
    });
    expect(verdict).toBe(
      'Opus over WebSocket takes 90 ms at 56 kbit/s. PCM as Base64 JSON over WebSocket and binary PCM over WebSocket lose too ' +
        'much of the audio to be of use here.',
    );
  });

  it('says so when too little audio arrives, or nothing was measured', () => {
    expect(verdictOf({})).toBe('There are no figures to judge by.');
    expect(verdictOf({ 'pcm-json-ws': lane(900, 1100, { match: 0.4 }) })).toBe(
      'No lane delivers enough of the audio here; PCM as Base64 JSON over WebSocket delivers the most, 40 %.',
    );
  });
});

describe('a run', () => {
  const settings: RunSettings = {
    ...DEFAULT_RUN,
    lanes: ['opus-rtp-dc', 'webrtc'],
    links: [linkOf('clean')!, linkOf('loss-5')!],
    seconds: 2,
    settleSeconds: 1,
    repetitions: 3,
  };

  /** A stage on which each measurement is the next of a list. */
  function stageOf(
    measure: (call: number) => Pick<Repetition, 'lanes' | 'run'>,
  ): RunStage & { readonly log: string[] } {
    const log: string[] = [];
    let calls = 0;
    return {
      log,
      setLink: async ({ name }) => void log.push(`link ${name}`),
      openLanes: async (lanes) => void log.push(`open ${lanes.length}`),
      closeLanes: () => void log.push('close'),
      wait: async (_seconds, signal) => signal.throwIfAborted(),
      measure: async (_lanes, seconds, seed) => {
        log.push(`measure ${seconds} s, seed ${seed}`);
        return measure(calls++);
      },
      now: () => '2026-11-22T12:00:00.000Z',
    };
  }

  const machine = { userAgent: 'test', cores: 2, contextSampleRate: 48_000 };
  const figures = (latency: number): LaneFigures => ({
    ...NO_FIGURES,
    latency_p50_ms: latency,
    match_ratio: 1,
    bitrate_kbps: 50,
  });
  const measured = (latency: number, lateness = 1): Pick<Repetition, 'lanes' | 'run'> => ({
    lanes: {
      'opus-rtp-dc': { figures: figures(latency), problem: null },
      webrtc: { figures: figures(latency + 10), problem: null },
    },
    run: { link_lateness_p99_ms: lateness, recorder_dropped_ms: 0 },
  });

  it('alternates links, opens and closes lanes each time, and reports its progress', async () => {
    const stage = stageOf((call) => measured(50 + call));
    const progress: RunProgress[] = [];
    const results = await performRun(stage, settings, {
      machine,
      signal: new AbortController().signal,
      onprogress: (each) => progress.push(each),
    });
    const once = (name: string, seed: number) => [
      `link ${name}`,
      'open 2',
      `measure 2 s, seed ${seed}`,
      'close',
    ];
    const turns = [1, 2, 3].flatMap((seed) => [...once('clean', seed), ...once('loss-5', seed)]);
    expect(stage.log).toEqual(turns);
    expect(results.tables.map(({ link }) => link)).toEqual(['clean', 'loss-5']);
    // Calls 0, 2, 4 and 1, 3, 5.
    expect(results.tables[0]!.lanes['opus-rtp-dc']!.latency_p50_ms).toEqual({
      median: 52,
      min: 50,
      max: 54,
      count: 3,
    });
    expect(results.tables[1]!.lanes.webrtc!.latency_p50_ms!.median).toBe(63);
    expect(results.tables[0]!.verdict).toMatch(
      /^Opus over a data channel is 10 ms ahead of WebRTC/,
    );
    expect(progress.every(({ share }) => share >= 0 && share < 1)).toBe(true);
    const left = progress.map(({ secondsLeft }) => secondsLeft);
    expect(left).toEqual(left.toSorted((a, b) => b - a));
    expect(JSON.parse(JSON.stringify(results))).toEqual(results);
  });

  it('excludes repetitions from its medians if the simulated network was late', async () => {
    const stage = stageOf((call) => (call < 2 ? measured(500, 5.5) : measured(50)));
    const { tables, repetitions } = await performRun(stage, settings, {
      machine,
      signal: new AbortController().signal,
      onprogress: () => {},
    });
    expect(repetitions.map(({ voided }) => voided !== null)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(tables[0]).toMatchObject({ counted: 2, voided: 1 });
    expect(tables[0]!.lanes.webrtc!.latency_p50_ms).toEqual(spreadOf([60, 60]));
    expect(tables[0]!.run.link_lateness_p99_ms!.max).toBe(5.5);
  });

  it('says that no figures count if every repetition was void', () => {
    const repetitions: Repetition[] = [
      { link: 'clean', index: 0, ...measured(50, 9), voided: voidReason(measured(50, 9).run) },
    ];
    const [table] = tablesOf(settings, repetitions);
    expect(table!.verdict).toMatch(
      /^Nothing here counts\. The simulated network was up to 9\.0 ms late/,
    );
    expect(voidReason({ link_lateness_p99_ms: null, recorder_dropped_ms: 20 })).toMatch(
      /lost 20 ms/,
    );
    expect(voidReason({ link_lateness_p99_ms: 7, recorder_dropped_ms: 20 })).toMatch(
      /7\.0 ms late.*lost 20 ms/,
    );
    expect(voidReason({ link_lateness_p99_ms: 5, recorder_dropped_ms: 0 })).toBeNull();
  });

  it('reports one lateness of a link everywhere: the largest of its repetitions', () => {
    const repetition = (index: number, lateness: number): Repetition => {
      const { lanes, run } = measured(50, lateness);
      return { link: 'clean', index, lanes, run, voided: voidReason(run) };
    };
    const textsOf = (latenesses: readonly number[]): string => {
      const tables = tablesOf(
        { ...settings, links: [settings.links[0]!] },
        latenesses.map((lateness, index) => repetition(index, lateness)),
      );
      const results = { settings, tables } as unknown as RunResults;
      const [table] = tables;
      return [tableVoidReason(table!), table!.verdict, runText(results), runMarkdown(results)].join(
        ' ',
      );
    };
    const told = (text: string) => new Set(text.match(/\d+\.\d(?= ms late)/g));
    // The last one is not the worst.
    expect(told(textsOf([8, 7.1, 6.3]))).toEqual(new Set(['8.0']));
    expect(told(textsOf([2, 8, 6.3]))).toEqual(new Set(['8.0']));
    const allCount = textsOf([2, 1.5]);
    expect(told(allCount)).toEqual(new Set(['2.0']));
    expect(allCount).not.toContain('too busy');
  });

  it('ends when it is stopped, with its lanes closed', async () => {
    const stopping = new AbortController();
    const stage = stageOf((call) => {
      if (call === 1) stopping.abort(new Error('stopped'));
      return measured(50);
    });
    const run = performRun(stage, settings, {
      machine,
      signal: stopping.signal,
      onprogress: () => {},
    });
    await expect(run).rejects.toThrow('stopped');
    expect(stage.log.at(-1)).toBe('close');
  });

  it('is written as rows of a benchmark and as comma-separated values', async () => {
    const results = await performRun(
      stageOf(() => measured(50)),
      settings,
      {
        machine,
        signal: new AbortController().signal,
        onprogress: () => {},
      },
    );
    const rows = rowsOf(results);
    expect(rows).toContainEqual({
      case: 'loss-5',
      subject: 'webrtc',
      metric: 'latency_p50_ms',
      value: 60,
      unit: 'ms',
      min: 60,
      max: 60,
      count: 3,
    });
    expect(rows.filter(({ subject }) => subject === 'link')).toHaveLength(4);
    const lines = csvOf(results).split('\r\n');
    expect(lines[0]).toBe('link,repetition,voided,lane,metric,value,unit');
    expect(lines).toContain('clean,2,0,webrtc,latency_p50_ms,60,ms');
    // Two lanes with three figures, and two of the run, over two links, three times; and the last line's end.
    expect(lines).toHaveLength(1 + (2 * 3 + 2) * 2 * 3 + 1);
  });
});

describe('a spread', () => {
  it('has the median and the range of the known values', () => {
    expect(spreadOf([3, null, 1, 2])).toEqual({ median: 2, min: 1, max: 3, count: 3 });
    expect(spreadOf([4, 1, 2, 3])!.median).toBe(2.5);
    expect(spreadOf([null])).toBeNull();
  });
});
