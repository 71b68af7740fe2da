import type { RunSetup } from '../../src/testing/index.ts';
import { caseSetup } from './case-run.ts';
import { OPUS_CASES } from './opus-cases.ts';
import { PLANTED_CASES } from './planted-allocators.ts';
import { PROCESSOR_CASES } from './processor-cases.ts';

/** The setup of a case by its name, in the process that measures it. */
export function setup(name: string): RunSetup {
  const kase = [...PROCESSOR_CASES, ...OPUS_CASES, ...PLANTED_CASES].find(
    (candidate) => candidate.name === name,
  );
  if (!kase) throw new Error(`No case is named '${name}'.`);
  return caseSetup(kase);
}
