/** What must hold, by name: a failure names one, and shrinking keeps to it. */
export type Rule =
  | 'no exception'
  | 'frame identity'
  | 'capture account'
  | 'receive account'
  | 'playout account'
  | 'no audio refused'
  | 'losses told truly'
  | 'drops told truly'
  | 'one meaning of sequence'
  | 'finite'
  | 'no click'
  | 'concealment recovers'
  | 'delay recovers'
  /** As the two before, without any disturbance. */
  | 'steady state'
  | 'bounded memory'
  | 'all settled';

/** A journey has shown that a rule does not hold. */
export class Violation extends Error {
  readonly rule: Rule;
  readonly atMs: number;

  constructor(rule: Rule, atMs: number, detail: string) {
    super(detail);
    this.name = 'Violation';
    this.rule = rule;
    this.atMs = atMs;
  }
}

/** The journey's clock, which the rules read. */
export class Clock {
  now = 0;

  fail(rule: Rule, detail: string): never {
    throw new Violation(rule, this.now, detail);
  }

  /** Fails unless two counts are equal. */
  equal(rule: Rule, what: string, actual: number, expected: number): void {
    if (actual !== expected) this.fail(rule, `${what}: expected ${expected}, got ${actual}.`);
  }

  /** Fails unless `low <= actual <= high`. */
  within(rule: Rule, what: string, actual: number, low: number, high: number): void {
    if (actual >= low && actual <= high) return;
    this.fail(rule, `${what}: expected ${round(low)} to ${round(high)}, got ${round(actual)}.`);
  }
}

/** For messages. */
function round(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toFixed(3));
}
