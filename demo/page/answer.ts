import type { LaneId } from '../lanes/lane-ids.ts';
import { LANES } from '../lanes/lanes.ts';
import type { LaneView } from '../lanes/lane-slot.ts';
import type { Readiness } from '../lanes/readiness.ts';
import { MAX_LATENESS_MS } from '../runs/results.ts';
import { USABLE_MATCH, capital, laneList, lossWords, timesWords } from '../runs/verdict.ts';
import { metricText, metricWithUnit } from './format.ts';
import type { Candidate, NeedId, NeedSettings } from './needs.ts';
import { NEEDS, candidateOf, rankedBy } from './needs.ts';

/** The answer at the top of the page. */
export interface Answer {
  readonly tone: 'idle' | 'busy' | 'good' | 'warning';
  /** The lane that is recommended; null for none. */
  readonly lane: LaneId | null;
  /** A lane's name, or how things stand. */
  readonly title: string;
  /** The deciding figure, with its unit; may be empty. */
  readonly number: string;
  /** What it costs, what to do, or why there is no recommendation. */
  readonly detail: string;
  /** Lanes that cannot be used here: a sentence each, with the reason. */
  readonly notes: readonly string[];
  /** Every lane that may be judged, the best first. */
  readonly ranking: readonly LaneId[];
}

/** What an answer is based on. */
export interface AnswerSubject {
  readonly readiness: Readiness<LaneId>;
  readonly lanes: readonly Pick<LaneView, 'id' | 'figures'>[];
  readonly need: NeedId;
  /** The lane that prices are compared with. */
  readonly baseline: LaneId;
  readonly settings: NeedSettings;
  /** Whether it is running or starting. */
  readonly active: boolean;
  /** Whether the browser or the system holds the audio back. */
  readonly suspended: boolean;
}

const NOTHING = { lane: null, number: '', notes: [], ranking: [] } as const;

/** Recommends a lane, or says why it cannot yet. Lanes that are not ready are never judged. */
export function answerOf(subject: AnswerSubject): Answer {
  const { readiness, active, suspended } = subject;
  if (readiness.state === 'idle' && active) {
    return {
      ...NOTHING,
      tone: 'warning',
      title: 'No lane is running.',
      detail: 'Add one from the list below the table.',
    };
  }
  if (readiness.state === 'idle') {
    return {
      ...NOTHING,
      tone: 'idle',
      title: 'How should I carry audio?',
      detail:
        'Choose what you need most, then press Start. After about 15 seconds, the best lane appears here, with its ' +
        'number and its price.',
    };
  }
  if (suspended) {
    return {
      ...NOTHING,
      tone: 'warning',
      title: 'The audio has stopped.',
      detail: 'Nothing is measured until it resumes. The line below the source says why.',
    };
  }
  switch (readiness.state) {
    case 'settling':
      return { ...NOTHING, tone: 'busy', ...settlingWords(readiness) };
    case 'void':
      return { ...NOTHING, tone: 'warning', ...voidWords(readiness) };
    case 'quiet':
      return {
        ...NOTHING,
        tone: 'busy',
        title: 'The source is silent.',
        detail:
          'Lanes are compared by the audio that comes out of them. Speak, or choose another source.',
      };
    case 'ready':
      return recommendation(subject, readiness);
  }
}

function settlingWords({
  count,
  ready,
  waiting,
  secondsLeft,
}: Extract<Readiness<LaneId>, { state: 'settling' }>): Pick<Answer, 'title' | 'detail'> {
  const left = secondsLeft === null ? '' : ` About ${secondsLeft} s left.`;
  return {
    title: `Settling: ${ready.length} of ${count} ${count === 1 ? 'lane' : 'lanes'} ready.`,
    detail: `A lane counts when it has played for 5 s over this network, without an outage.${left} Not ready: ${labels(waiting)}.`,
  };
}

function voidWords({
  latenessMs,
  droppedMs,
}: Extract<Readiness<LaneId>, { state: 'void' }>): Pick<Answer, 'title' | 'detail'> {
  const late = latenessMs !== null && latenessMs > MAX_LATENESS_MS;
  const why = late
    ? `The simulated network was ${latenessMs.toFixed(1)} ms late (p99); at most ${MAX_LATENESS_MS} ms are allowed.`
    : `The recorder lost ${Math.round(droppedMs)} ms of audio.`;
  return {
    title: 'This machine is too busy to measure.',
    detail: `${why} Run fewer lanes, lower the encoder complexity, or close other programs.`,
  };
}

function recommendation(
  { lanes, need: needId, baseline, settings }: AnswerSubject,
  { ready, silent, down }: Extract<Readiness<LaneId>, { state: 'ready' }>,
): Answer {
  const need = NEEDS[needId];
  const judged = lanes
    .filter(({ id, figures }) => ready.includes(id) && figures.match_ratio !== null)
    .map(({ id, figures }) => candidateOf(id, figures));
  const usable = judged.filter(isUsable);
  const useless = judged.filter((candidate) => !isUsable(candidate));
  const ranked = rankedBy(need, usable, settings);
  const ranking = [
    ...ranked.map(({ candidate }) => candidate.id),
    ...useless.sort((a, b) => b.figures.match_ratio! - a.figures.match_ratio!).map(({ id }) => id),
  ];
  const notes = [
    lossWords(useless.map(({ id }) => id)),
    silent.length === 0 ? '' : `No audio arrives from ${laneList(silent)}.`,
    down.length === 0 ? '' : `Not connected: ${labels(down)}.`,
  ].filter((sentence) => sentence !== '');
  if (ready.length === 0) {
    const title = 'No lane delivers audio.';
    return { ...NOTHING, tone: 'warning', title, detail: 'Their rows say why.', notes, ranking };
  }
  const best = ranked[0];
  if (best === undefined || best.cost === Infinity) {
    const title =
      usable.length > 0
        ? 'No running lane meets this need.'
        : 'No lane delivers enough of the audio.';
    const detail =
      usable.length > 0 ? need.rule(settings) : 'Choose a better network, or add another lane.';
    return { ...NOTHING, tone: 'warning', title, detail, notes, ranking };
  }
  const winner = best.candidate;
  const base = usable.find(({ id }) => id === baseline && id !== winner.id);
  const price = need.prices.map((kind) => PRICES[kind](winner, base)).join('; ');
  return {
    tone: 'good',
    lane: winner.id,
    title: capital(winner.kind.inWords),
    number: need.number(winner),
    detail: [need.reason(winner), `Price: ${price}.`].filter((text) => text !== '').join(' '),
    notes,
    ranking,
  };
}

function isUsable({
  figures: { match_ratio: match, latency_p50_ms: latency },
}: Candidate): boolean {
  return match !== null && match >= USABLE_MATCH && latency !== null;
}

/** A figure of the winner, and how it compares with the baseline's. */
const PRICES = {
  bitrate: (
    { figures: { bitrate_kbps: mine } }: Candidate,
    base: Candidate | undefined,
  ): string => {
    const text = metricWithUnit('bitrate_kbps', mine);
    const theirs = base?.figures.bitrate_kbps ?? null;
    if (base === undefined || mine === null || theirs === null || theirs === 0) return text;
    const { inWords } = base.kind;
    const times = mine / theirs;
    if (times > 1.15) return `${text}, ${timesWords(times)} ${inWords}`;
    if (times < 1 / 1.15) return `${text}, ${Math.round(times * 100)} % of ${inWords}`;
    return `${text}, about the same as ${inWords}`;
  },
  latency: (
    { figures: { latency_p50_ms: mine } }: Candidate,
    base: Candidate | undefined,
  ): string => {
    const text = metricWithUnit('latency_p50_ms', mine);
    const theirs = base?.figures.latency_p50_ms ?? null;
    if (base === undefined || mine === null || theirs === null) return text;
    const { inWords } = base.kind;
    const difference = Math.round(mine) - Math.round(theirs);
    if (difference === 0) return `${text}, the same as ${inWords}`;
    const apart = metricText('latency_p50_ms', Math.abs(difference));
    return `${text}, ${apart} ms ${difference > 0 ? 'later' : 'earlier'} than ${inWords}`;
  },
};

function labels(ids: readonly LaneId[]): string {
  return ids.map((id) => LANES[id].label).join('; ');
}

/** How long a lane is named before another takes its place, ms, so that it can be read. */
const MIN_READING_MS = 4000;

/** Keeps a lane's name in place until it has been read, but never one that has become untrue. Its figures are those of the row. */
export class HeldAnswer {
  #shown: Answer | null = null;
  #reason = '';
  #shownAtMs = -Infinity;

  /**
   * @param reason what an answer depends on: the need, and which lanes may be judged. When it changes, so does the answer, at
   *   once
   * @returns what is to be shown
   */
  show(answer: Answer, reason: string, nowMs: number): Answer {
    const shown = this.#shown;
    const holds =
      shown !== null &&
      shown.tone === 'good' &&
      answer.tone === 'good' &&
      shown.lane !== answer.lane &&
      reason === this.#reason &&
      nowMs - this.#shownAtMs < MIN_READING_MS;
    if (holds) return shown;
    if (shown === null || !namesTheSame(shown, answer)) this.#shownAtMs = nowMs;
    this.#shown = answer;
    this.#reason = reason;
    return answer;
  }
}

function namesTheSame(a: Answer, b: Answer): boolean {
  return a.title === b.title && a.lane === b.lane;
}

/** What an answer depends on, as text. */
export function reasonOf({ readiness, need, baseline }: AnswerSubject): string {
  const who =
    readiness.state === 'ready' ? [readiness.ready, readiness.silent, readiness.down] : [];
  return [need, baseline, readiness.state, ...who.map((ids) => ids.join())].join('|');
}

/** How busy the machine is, as far as the lab can tell. */
export interface MachineLoad {
  readonly level: 'unknown' | 'light' | 'high' | 'too-high';
  readonly text: string;
}

/** Above this share of what is allowed, the load is high. */
const HIGH = 0.5;

/** What the lateness of the network and the gaps of the audio thread's recording say about the machine. */
export function machineLoad(latenessMs: number | null, droppedMs: number): MachineLoad {
  if (latenessMs === null && droppedMs === 0) {
    return { level: 'unknown', text: 'Machine load: not known yet' };
  }
  const lateMs = latenessMs ?? 0;
  const tooHigh = lateMs > MAX_LATENESS_MS || droppedMs > 0;
  const level = tooHigh ? 'too-high' : lateMs > HIGH * MAX_LATENESS_MS ? 'high' : 'light';
  const words = { light: 'light', high: 'high', 'too-high': 'too high' }[level];
  const late =
    latenessMs === null
      ? ''
      : `network ${metricText('link_lateness_p99_ms', latenessMs)} ms late, `;
  return {
    level,
    text: `Machine load: ${words} (${late}${Math.round(droppedMs)} ms of audio lost)`,
  };
}
