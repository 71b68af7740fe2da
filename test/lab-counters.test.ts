import { readFileSync, readdirSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { laneFigures } from '../demo/lanes/lane-figures.ts';
import { LaneHistory, joinedHistories } from '../demo/lanes/lane-history.ts';
import { METRICS } from '../demo/measure/metric-table.ts';
import type { Metric } from '../demo/measure/metric-table.ts';
import { LANE_METRICS, NO_FIGURES } from '../demo/measure/metrics.ts';
import { metricWithUnit } from '../demo/page/format.ts';
import { DEFAULT_RUN } from '../demo/runs/address.ts';
import { tablesOf } from '../demo/runs/results.ts';
import { csvOf, rowsOf } from '../demo/runs/run-rows.ts';
import type { RunResults } from '../demo/runs/run.ts';

/*
 * A new counter of a lane takes two files: its row in the table of metrics, and where it is counted.
 */

const DEMO = new URL('../demo/', import.meta.url);
const ROW: Metric = vi.hoisted(() => ({
  label: 'Plugs pulled',
  unit: 'per min',
  better: 'lower',
  digits: 1,
  scope: 'lane',
  definition: 'How many plugs were pulled out of their sockets for each packet that was sent.',
  webrtc: null,
  from: { part: ['plugsPulled'], whole: ['packetsSent'], factor: 60 },
  chart: [0, 7],
}));

vi.mock('../demo/measure/metric-table.ts', async (load) => {
  const table = await load<typeof import('../demo/measure/metric-table.ts')>();
  return { ...table, METRICS: { ...table.METRICS, plugs_pulled: ROW } };
});

it('shows a counter that has a row in the table, and nothing else, in figures, charts, results and files', () => {
  const id = 'plugs_pulled' as 'copies_per_packet';

  const totals = (plugsPulled: number, packetsSent: number) =>
    ({ atMs: packetsSent, plugsPulled, packetsSent }) as never;
  const figures = laneFigures(totals(1, 100), totals(6, 200), null, 'between');
  expect(figures[id]).toBe(3);
  expect(NO_FIGURES[id]).toBeNull();
  // The details of a lane draw these, and their definitions.
  expect(LANE_METRICS.at(-1)).toBe(id);
  expect(metricWithUnit(id, figures[id])).toBe('3.0 per min');

  const history = new LaneHistory();
  history.add(1, figures);
  expect(joinedHistories([history], id as never, 1)).toEqual([[1], [3]]);

  const settings = { ...DEFAULT_RUN, lanes: ['pcm-json-ws'] as const };
  const repetition = {
    link: 'clean',
    index: 0,
    lanes: { 'pcm-json-ws': { figures, problem: null } },
    run: { link_lateness_p99_ms: null, recorder_dropped_ms: null },
    voided: null,
  };
  const tables = tablesOf(settings, [repetition]);
  expect(tables[0]!.lanes['pcm-json-ws']![id]).toEqual({ median: 3, min: 3, max: 3, count: 1 });
  const results = { settings, tables, repetitions: [repetition] } as unknown as RunResults;
  expect(rowsOf(results)).toContainEqual(
    expect.objectContaining({ subject: 'pcm-json-ws', metric: id, value: 3, unit: 'per min' }),
  );
  expect(csvOf(results)).toContain('clean,0,0,pcm-json-ws,plugs_pulled,3,per min\r\n');
  expect(JSON.parse(JSON.stringify(results)).repetitions[0].lanes['pcm-json-ws'].figures[id]).toBe(
    3,
  );
});

it('names the counters of our own lanes in the table, and each is counted somewhere', () => {
  const named = Object.values(METRICS as Readonly<Record<string, Metric>>).flatMap(({ from }) =>
    from === null ? [] : Object.values(from).flat(),
  );
  const counters = new Set(named.filter((name) => typeof name === 'string' && name !== 'seconds'));
  expect(counters).toContain('copiesSent');
  const files = readdirSync(DEMO, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name, text: readFileSync(new URL(name, DEMO), 'utf8') }));
  for (const counter of counters) {
    // Figures of calls are charted for themselves, by their names in getStats; a message that is taken apart has bytes of its own.
    const users = files.filter(
      ({ name, text }) =>
        !/call-charts|lab-call|wire-parts|rtp-rows|learn\/|link\//.test(name) &&
        new RegExp(`\\b${counter}\\b`).test(text),
    );
    const others = users.filter(
      ({ name }) => !/metric-table|lanes\/[\w-]+-lane|worker\/lane-session/.test(name),
    );
    expect(
      others.map(({ name }) => name),
      counter,
    ).toEqual([]);
  }
});
