/**
 * The steps of a call:
 * - `'create'`: the connection, its audio and its data channels are created;
 * - `'signal'`: offer and answer are exchanged, until both sides have both;
 * - `'ice'`: addresses are gathered and tried in pairs, until one works (RFC 8445);
 * - `'media'`: keys are agreed on (DTLS, RFC 5763), until the first audio arrives, or until there are keys on a side that only
 *   sends;
 * - `'data'`: the data channels open (SCTP over DTLS, RFC 8831);
 * - `'close'`: one side hangs up.
 */
export type CallStepName = (typeof CALL_STEPS)[number];

/** The steps in their order. `'media'` and `'data'` run side by side. */
export const CALL_STEPS: readonly ['create', 'signal', 'ice', 'media', 'data', 'close'] = [
  'create',
  'signal',
  'ice',
  'media',
  'data',
  'close',
];

/** State of a step; `'skipped'`: the call does not have this step, or ended before it. */
export type CallStepState = 'waiting' | 'active' | 'done' | 'failed' | 'skipped';

/** An event in a step. */
export interface CallMoment {
  /** Time since the call was created, in ms. */
  readonly atMs: number;
  /** Description in a few words. */
  readonly text: string;
}

/** Progress of a step. */
export interface CallStep {
  readonly name: CallStepName;
  readonly state: CallStepState;
  /** When the step began, in ms since the call was created; null before that. */
  readonly startMs: number | null;
  /** When the step ended, in ms since the call was created; null before that. */
  readonly endMs: number | null;
  /**
   * How long this side waited at the start of the step for the other side to join, in ms: the time of a person, not of the
   * network. null until the other side has joined.
   */
  readonly waitedMs: number | null;
  /** The latest 200 events. */
  readonly moments: readonly CallMoment[];
}

const MAX_MOMENTS = 200;

/** Tracks the steps of a call. Has no clock: every time is in ms since the call was created. */
export class CallTimeline {
  readonly #states: Record<CallStepName, CallStep>;

  constructor() {
    const step = (name: CallStepName): CallStep => ({
      name,
      state: 'waiting',
      startMs: null,
      endMs: null,
      waitedMs: null,
      moments: [],
    });
    this.#states = {
      create: step('create'),
      signal: step('signal'),
      ice: step('ice'),
      media: step('media'),
      data: step('data'),
      close: step('close'),
    };
  }

  /** A snapshot of the steps, in order. */
  get steps(): readonly CallStep[] {
    return CALL_STEPS.map((name) => this.#states[name]);
  }

  step(name: CallStepName): CallStep {
    return this.#states[name];
  }

  /** Begins a step. Has no effect if it has already begun. */
  begin(name: CallStepName, atMs: number): void {
    const step = this.#states[name];
    if (step.state === 'waiting') this.#states[name] = { ...step, state: 'active', startMs: atMs };
  }

  /** Ends a step. Has no effect unless it is active. */
  end(name: CallStepName, atMs: number, state: 'done' | 'failed' = 'done'): void {
    const step = this.#states[name];
    if (step.state === 'active') this.#states[name] = { ...step, state, endMs: atMs };
  }

  /** Skips a step. Has no effect if it has already begun. */
  skip(name: CallStepName): void {
    const step = this.#states[name];
    if (step.state === 'waiting') this.#states[name] = { ...step, state: 'skipped' };
  }

  /** Records that the other side has joined. Has no effect a second time, or unless the step is active. */
  met(name: CallStepName, atMs: number): void {
    const step = this.#states[name];
    if (step.state !== 'active' || step.startMs === null || step.waitedMs !== null) return;
    this.#states[name] = { ...step, waitedMs: atMs - step.startMs };
  }

  note(name: CallStepName, atMs: number, text: string): void {
    const step = this.#states[name];
    const moments = [...step.moments, { atMs, text }].slice(-MAX_MOMENTS);
    this.#states[name] = { ...step, moments };
  }
}
