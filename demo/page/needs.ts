import type { LaneId } from '../lanes/lane-ids.ts';
import type { LaneKind } from '../lanes/lane.ts';
import { LANES } from '../lanes/lanes.ts';
import type { LaneFigures } from '../measure/metrics.ts';
import { SAME_MS, list } from '../runs/verdict.ts';
import { metricText, metricWithUnit } from './format.ts';

/** A lane that may be recommended: its audio comes through. */
export interface Candidate {
  readonly id: LaneId;
  readonly kind: LaneKind;
  readonly figures: LaneFigures;
}

/** What counts beside the figures. */
export interface NeedSettings {
  /** Percent of concealed audio that 100 ms are worth: the setting of our receivers. */
  readonly latencyCost: number;
}

/** Something that a visitor may need most. */
export interface Need {
  /** For its button. */
  readonly label: string;
  /** What decides, in a sentence. */
  readonly rule: (settings: NeedSettings) => string;
  /** The less, the better; Infinity for a lane that does not qualify. */
  readonly cost: (candidate: Candidate, settings: NeedSettings) => number;
  /** Costs no further apart than this are the same: then the second cost decides. */
  readonly same: (cost: number) => number;
  readonly second: (candidate: Candidate) => number;
  /** The winner's figure, with its unit. */
  readonly number: (candidate: Candidate) => string;
  /** What qualifies it, in a sentence; empty where the number says it. */
  readonly reason: (candidate: Candidate) => string;
  /** What it costs, for the price, as far as the number does not say it. */
  readonly prices: readonly ('latency' | 'bitrate')[];
}

/** Name of a need in `NEEDS`. */
export type NeedId = 'delay' | 'data' | 'network' | 'build' | 'firewall';

const latency = ({ figures }: Candidate): number => figures.latency_p50_ms ?? Infinity;
const bitrate = ({ figures }: Candidate): number => figures.bitrate_kbps ?? Infinity;
const latencyText = ({ figures }: Candidate): string =>
  metricWithUnit('latency_p50_ms', figures.latency_p50_ms);

/** Every need, in the order of the buttons. */
export const NEEDS: Readonly<Record<NeedId, Need>> = {
  delay: {
    label: 'Least delay',
    rule: () =>
      `The lowest latency. Lanes within ${SAME_MS} ms count as equal: the lower bitrate wins.`,
    cost: latency,
    same: () => SAME_MS,
    second: bitrate,
    number: latencyText,
    reason: () => '',
    prices: ['bitrate'],
  },
  data: {
    label: 'Least data',
    rule: () =>
      'The lowest bitrate on the wire. Lanes within 5 % count as equal: the lower latency wins.',
    cost: bitrate,
    same: (cost) => 0.05 * cost,
    second: latency,
    number: ({ figures }) => metricWithUnit('bitrate_kbps', figures.bitrate_kbps),
    reason: () => '',
    prices: ['latency'],
  },
  network: {
    label: 'Best on this network',
    rule: ({ latencyCost }) =>
      `Latency in the worse moments (95 %), plus 100 ms for each ${latencyCost} % of concealed or missing audio.`,
    cost: ({ figures }, { latencyCost }) =>
      (figures.latency_p95_ms ?? Infinity) + (100 * 100 * missing(figures)) / latencyCost,
    same: () => SAME_MS,
    second: bitrate,
    number: ({ figures }) => metricWithUnit('latency_p95_ms', figures.latency_p95_ms),
    reason: ({ figures }) =>
      figures.concealed_ratio === null
        ? `In its worse moments (95 %), with ${metricText('match_ratio', figures.match_ratio)} % of the audio recognised.`
        : `In its worse moments (95 %), with ${metricText('concealed_ratio', figures.concealed_ratio)} % of the audio concealed.`,
    prices: ['bitrate'],
  },
  build: {
    label: 'Simplest to build',
    rule: () =>
      'The fewest parts that an app needs besides micwire in a page. Among equals, the lower latency wins.',
    cost: ({ kind }) => kind.parts.length,
    same: () => 0,
    second: latency,
    number: ({ kind: { parts } }) => (parts.length === 1 ? '1 part' : `${parts.length} parts`),
    reason: ({ kind: { parts } }) => `It needs ${list(parts)}.`,
    prices: ['latency', 'bitrate'],
  },
  firewall: {
    label: 'Works through any firewall',
    rule: () =>
      'The lowest latency over TLS on TCP port 443, as web pages use. The other lanes need a TURN server there, or UDP.',
    cost: (candidate) => (candidate.kind.firewall === 'tls' ? latency(candidate) : Infinity),
    same: () => SAME_MS,
    second: bitrate,
    number: latencyText,
    reason: () => 'It goes over TLS on TCP port 443, as web pages do.',
    prices: ['bitrate'],
  },
};

/** The needs' names, in the order of the buttons. */
export const NEED_IDS = Object.keys(NEEDS) as NeedId[];

/** The share of the audio that is not the source's: concealed, or, where a lane does not report it, not recognised. */
function missing({ concealed_ratio: concealed, match_ratio: match }: LaneFigures): number {
  return concealed ?? 1 - (match ?? 0);
}

/** The lanes by how well they meet a need, the best first; those that do not qualify come last. */
export function rankedBy(
  need: Need,
  candidates: readonly Candidate[],
  settings: NeedSettings,
): readonly { readonly candidate: Candidate; readonly cost: number }[] {
  const left = candidates
    .map((candidate) => ({ candidate, cost: need.cost(candidate, settings) }))
    .sort((a, b) => ascending(a.cost, b.cost));
  const ranked: typeof left = [];
  while (left.length > 0) {
    const limit = left[0]!.cost + need.same(left[0]!.cost);
    const equals = left.filter(({ cost }) => !(cost > limit));
    equals.sort(
      (a, b) =>
        ascending(need.second(a.candidate), need.second(b.candidate)) || ascending(a.cost, b.cost),
    );
    ranked.push(...equals);
    left.splice(0, equals.length);
  }
  return ranked;
}

/** Lanes with their kind and figures. */
export function candidateOf(id: LaneId, figures: LaneFigures): Candidate {
  return { id, kind: LANES[id], figures };
}

/** Infinity equals itself. */
function ascending(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
