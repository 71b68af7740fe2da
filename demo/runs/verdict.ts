import type { LaneId } from '../lanes/lane-ids.ts';
import { LANE_IDS } from '../lanes/lane-ids.ts';
import { LANES } from '../lanes/lanes.ts';
import type { LaneMetricId } from '../measure/metrics.ts';
import type { Spread } from './run.ts';

/** What the verdict looks at. */
type VerdictFigures = Readonly<Partial<Record<LaneMetricId, Spread | null>>>;

/** A lane is usable when this much of the audio arrived. */
export const USABLE_MATCH = 0.9;
/** Most people hear concealment above this (about one in fifty frames). */
const AUDIBLE_CONCEALMENT = 0.02;
/** Nobody can tell latencies closer than this apart, ms. */
export const SAME_MS = 3;

interface Candidate {
  readonly id: LaneId;
  readonly latency: Spread;
  readonly kbps: number | null;
  readonly match: number;
  readonly concealed: number | null;
}

/** The conclusion from the figures of lanes over one link, in one or two sentences. It depends on the figures alone. */
export function verdictOf(lanes: Readonly<Partial<Record<LaneId, VerdictFigures>>>): string {
  const all = LANE_IDS.flatMap((id) => candidate(id, lanes[id]));
  const usable = all
    .filter(({ match }) => match >= USABLE_MATCH)
    .sort((a, b) => a.latency.median - b.latency.median);
  const best = usable[0];
  if (best === undefined) return nothingUsable(all);
  const rival = rivalOf(best, usable);
  const first = rival === undefined ? alone(best) : compared(best, rival);
  return [first, brokenOnes(all)].filter((sentence) => sentence !== '').join(' ');
}

function candidate(id: LaneId, figures: VerdictFigures | undefined): Candidate[] {
  const latency = figures?.latency_p50_ms;
  const match = figures?.match_ratio?.median ?? 0;
  if (figures === undefined || (latency === undefined && match === 0)) return [];
  return [
    {
      id,
      latency: latency ?? { median: Infinity, min: Infinity, max: Infinity, count: 0 },
      kbps: figures.bitrate_kbps?.median ?? null,
      match,
      concealed: figures.concealed_ratio?.median ?? null,
    },
  ];
}

/** Everything is compared with WebRTC; WebRTC itself with the best of our lanes. */
function rivalOf(best: Candidate, usable: readonly Candidate[]): Candidate | undefined {
  const isWebrtc = ({ id }: Candidate): boolean => id === 'webrtc' || id === 'webrtc-red';
  const others = usable.filter((each) => each !== best);
  return others.find((each) => isWebrtc(each) !== isWebrtc(best)) ?? others[0];
}

function compared(best: Candidate, rival: Candidate): string {
  const ahead = rival.latency.median - best.latency.median;
  const names = [LANES[best.id].inWords, LANES[rival.id].inWords] as const;
  const overlap = best.latency.max >= rival.latency.min && best.latency.count > 1;
  const latency =
    ahead < SAME_MS
      ? `${names[0]} is as quick as ${names[1]} (${ms(best.latency.median)})`
      : `${names[0]} is ${ms(ahead)} ahead of ${names[1]} (${ms(best.latency.median)} to ${ms(rival.latency.median)}${overlap ? ', in ranges that overlap' : ''})`;
  const rate = rateWords(best, rival);
  const quality = concealmentWords(best, rival);
  return `${capital(latency)}${rate}${quality}.`;
}

function rateWords(best: Candidate, rival: Candidate): string {
  if (best.kbps === null || rival.kbps === null || rival.kbps === 0) return '';
  const times = best.kbps / rival.kbps;
  if (times > 1.15) return `, at ${timesWords(times)} its bitrate`;
  if (times < 1 / 1.15) return `, at ${percent(times)} of its bitrate`;
  return ', at about the same bitrate';
}

/** A ratio of 1.15 or more in words, before a name or 'its'. */
export function timesWords(times: number): string {
  if (times >= 1.9 && times < 2.1) return 'twice';
  return `${times.toFixed(times < 10 ? 1 : 0)} times`;
}

function concealmentWords(best: Candidate, rival: Candidate): string {
  if (best.concealed === null || rival.concealed === null) return '';
  const difference = best.concealed - rival.concealed;
  if (Math.abs(difference) < 0.005) return '';
  const [mine, theirs] = [percent(best.concealed, 1), percent(rival.concealed, 1)];
  return difference < 0
    ? `, and conceals less of the audio (${mine}, not ${theirs})`
    : `, but conceals more of the audio (${mine}, not ${theirs})`;
}

function alone(best: Candidate): string {
  const rate = best.kbps === null ? '' : ` at ${Math.round(best.kbps)} kbit/s`;
  const concealed =
    best.concealed !== null && best.concealed > AUDIBLE_CONCEALMENT
      ? `, with ${percent(best.concealed, 1)} of the audio concealed`
      : '';
  return `${capital(LANES[best.id].inWords)} takes ${ms(best.latency.median)}${rate}${concealed}.`;
}

function brokenOnes(all: readonly Candidate[]): string {
  return lossWords(all.filter(({ match }) => match < USABLE_MATCH).map(({ id }) => id));
}

/** Says of lanes that they lose too much; empty for none. */
export function lossWords(ids: readonly LaneId[]): string {
  if (ids.length === 0) return '';
  const verb = ids.length === 1 ? 'loses' : 'lose';
  return `${capital(laneList(ids))} ${verb} too much of the audio to be of use here.`;
}

/** The lanes' names, for the middle of a sentence. */
export function laneList(ids: readonly LaneId[]): string {
  return list(ids.map((id) => LANES[id].inWords));
}

function nothingUsable(all: readonly Candidate[]): string {
  if (all.length === 0) return 'There are no figures to judge by.';
  const best = all.reduce((a, b) => (b.match > a.match ? b : a));
  return `No lane delivers enough of the audio here; ${LANES[best.id].inWords} delivers the most, ${percent(best.match)}.`;
}

/** Names for the middle of a sentence. */
export function list(names: readonly string[]): string {
  if (names.length === 1) return names[0]!;
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

function percent(share: number, digits = 0): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** With a capital at the start. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
