/**
 * The lab without drawing, for `npm run lab` and tests: drawing would take time from what is measured. Its interface is `globalThis.lab`.
 */
import { Comparison } from '../lanes/comparison.ts';
import { LANE_IDS } from '../lanes/lane-ids.ts';
import { DEFAULT_RUN, lanesNamed, linkOf, settingsOf } from '../runs/address.ts';
import type { LinkChoice, RunProgress, RunResults } from '../runs/run.ts';
import { csvOf, rowsOf } from '../runs/run-rows.ts';
import type { RunRow } from '../runs/run-rows.ts';
import { runMarkdown, runText } from '../runs/run-text.ts';

/** The state of a run. */
export interface HeadlessState {
  readonly done: boolean;
  readonly progress: RunProgress | null;
  /** Why there are no results, in words; else empty. */
  readonly problem: string;
}

/** The result of a run. */
export interface HeadlessResults {
  readonly results: RunResults;
  readonly rows: readonly RunRow[];
  readonly csv: string;
  /** For a terminal. */
  readonly text: string;
  readonly markdown: string;
  /** What went wrong during the run, a sentence each. */
  readonly problems: readonly string[];
}

/** What the page offers to its driver. */
export interface HeadlessLab {
  readonly session: Comparison;
  /** A link by its text, as in an address; null for anything else. */
  readonly linkNamed: (text: string) => LinkChoice | null;
  /** Begins a run from the query of an address. @returns what is wrong with it, in words; else an empty text */
  begin(query: string): Promise<string>;
  state(): HeadlessState;
  /** Throws while there are no results. */
  finished(): HeadlessResults;
}

const session = new Comparison({ addController() {}, requestUpdate() {} });
let running = false;

const lab: HeadlessLab = {
  session,
  linkNamed: linkOf,

  async begin(query) {
    const fault = faultOf(new URLSearchParams(query));
    if (fault !== '') return fault;
    session.settings = settingsOf(query, { ...DEFAULT_RUN, lanes: LANE_IDS });
    session.stage = { ...session.stage, kind: session.settings.source };
    session.muted = true;
    running = true;
    void session.run().finally(() => (running = false));
    return '';
  },

  state() {
    const { problem, results, progress, linkMissing, settings } = session;
    const failed = problem === null ? '' : `${problem.title} ${problem.cure}`;
    const direct = settings.links.every(({ name }) => name === 'clean') ? '' : linkMissing;
    return { done: !running && results !== null, progress, problem: failed || direct };
  },

  finished() {
    const { results } = session;
    if (results === null) throw new Error('There are no results yet.');
    const problems = results.repetitions.flatMap(({ link, index, voided, lanes }) => {
      const where = `${link}, repetition ${index + 1}`;
      const own = voided === null ? [] : [`${where} does not count: ${voided}`];
      const broken = Object.entries(lanes).flatMap(([lane, { problem }]) =>
        problem === null ? [] : [`${where}, ${lane}: ${problem}`],
      );
      return [...own, ...broken];
    });
    return {
      results,
      rows: rowsOf(results),
      csv: csvOf(results),
      text: runText(results),
      markdown: runMarkdown(results),
      problems,
    };
  },
};

/** A command line rejects what an address tolerates. */
function faultOf(query: URLSearchParams): string {
  const lanes = query.get('lanes');
  if (lanes !== null) {
    try {
      query.set('lanes', lanesNamed(lanes).join());
    } catch (error) {
      return (error as Error).message;
    }
  }
  for (const link of query.get('link')?.split(',') ?? []) {
    if (linkOf(link) === null) return `There is no link '${link}'.`;
  }
  const settings = settingsOf(query.toString()) as unknown as Readonly<Record<string, unknown>>;
  for (const [name, setting] of Object.entries(NUMBERS)) {
    const asked = query.get(name);
    if (asked !== null && asked !== settings[setting] && Number(asked) !== settings[setting]) {
      return `--${name} cannot be ${asked}.`;
    }
  }
  return '';
}

const NUMBERS: Readonly<Record<string, string>> = {
  frame: 'chunkDurationMs',
  bitrate: 'bitrate',
  complexity: 'complexity',
  copies: 'copies',
  cost: 'latencyCost',
  seconds: 'seconds',
  settle: 'settleSeconds',
  runs: 'repetitions',
  seed: 'seed',
};

Object.assign(globalThis, { lab });
