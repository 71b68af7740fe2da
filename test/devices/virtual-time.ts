import { VirtualTime as Time } from '../helpers/virtual-time.ts';
import { Violation } from './invariants.ts';
import type { Rule } from './invariants.ts';

/** The virtual time of a schedule, which the rules read. */
export class VirtualTime extends Time {
  fail(rule: Rule, detail: string): never {
    throw new Violation(rule, this.now, detail);
  }
}
