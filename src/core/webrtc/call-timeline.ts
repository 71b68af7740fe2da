/**
 * The steps of a call:
 * - `'create'`: the connection, its audio and its data channels are made;
 * - `'signal'`: offer and answer go to and fro, until both sides have both;
 * - `'ice'`: addresses are gathered and tried in pairs, until one works (RFC 8445);
 * - `'media'`: keys are agreed on (DTLS, RFC 5763), until the first sound comes in; for a side that only sends, until the keys
 *   are there;
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

/** `'skipped'`: the call has no such part, or ended before it. */
export type CallStepState = 'waiting' | 'active' | 'done' | 'failed' | 'skipped';

/** Something that happened in a step. */
export interface CallMoment {
  /** ms since the call was made. */
  readonly atMs: number;
  /** In a few words. */
  readonly text: string;
}

/** How far a step is. */
export interface CallStep {
  readonly name: CallStepName;
  readonly state: CallStepState;
  /** ms since the call was made; null before it began. */
  readonly startMs: number | null;
  /** ms since the call was made; null before it ended. */
  readonly endMs: number | null;
  /**
   * How much of it this side waited for the other one to come, from its start on, ms: a person's time, not the network's. null while it
   * waits, or before.
   */
  readonly waitedMs: number | null;
  /** The latest 200. */
  readonly moments: readonly CallMoment[];
}

const MAX_MOMENTS = 200;

/** Keeps the steps of one call. It has no clock: every time is ms since the call was made. */
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

  /** A snapshot, in order. */
  get steps(): readonly CallStep[] {
    return CALL_STEPS.map((name) => this.#states[name]);
  }

  step(name: CallStepName): CallStep {
    return this.#states[name];
  }

  /** Without effect when it has begun already. */
  begin(name: CallStepName, atMs: number): void {
    const step = this.#states[name];
    if (step.state === 'waiting') this.#states[name] = { ...step, state: 'active', startMs: atMs };
  }

  /** Without effect unless it is active. */
  end(name: CallStepName, atMs: number, state: 'done' | 'failed' = 'done'): void {
    const step = this.#states[name];
    if (step.state === 'active') this.#states[name] = { ...step, state, endMs: atMs };
  }

  /** Without effect when it has begun already. */
  skip(name: CallStepName): void {
    const step = this.#states[name];
    if (step.state === 'waiting') this.#states[name] = { ...step, state: 'skipped' };
  }

  /** The other side has come. Without effect unless the step is active, and has not been told before. */
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
