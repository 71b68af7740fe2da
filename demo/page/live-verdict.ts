import type { LaneView } from '../lanes/lane-slot.ts';
import type { LaneMetricId } from '../measure/metrics.ts';
import { PRESETS } from '../link/settings.ts';
import type { LinkChoice } from '../runs/run.ts';
import { spreadOf } from '../runs/results.ts';
import { verdictOf } from '../runs/verdict.ts';

/** What a verdict looks at. */
const LOOKED_AT = [
  'latency_p50_ms',
  'bitrate_kbps',
  'match_ratio',
  'concealed_ratio',
] as const satisfies readonly LaneMetricId[];

/** What the figures of this moment come to, in words; null while there are too few. */
export function liveVerdict(lanes: readonly LaneView[]): string | null {
  const running = lanes.filter(({ state, figures }) => {
    return state === 'running' && figures.latency_p50_ms !== null;
  });
  if (running.length === 0) return null;
  return verdictOf(
    Object.fromEntries(
      running.map(({ id, figures }) => [
        id,
        Object.fromEntries(LOOKED_AT.map((metric) => [metric, spreadOf([figures[metric]])])),
      ]),
    ),
  );
}

/** A link by its name, for the middle of a sentence. */
export function linkWords({ name }: Pick<LinkChoice, 'name'>): string {
  return name === 'custom' ? 'the network as set' : `“${PRESETS[name].label}”`;
}
