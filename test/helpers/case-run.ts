import { createWorkletScope } from '../../src/testing/index.ts';
import type { RunSetup, WorkletScope } from '../../src/testing/index.ts';
import { ProcessorRun } from '../../src/testing/processor-run.ts';
import type { ProcessorCase } from './processor-cases.ts';

/** A presence signal of each value; the rest of a quantum is not read. */
const PRESENCE_BLOCKS = Array.from({ length: 5 }, (_, value) => [Float32Array.of(value)]);

/** A case as a run takes it. */
export function caseSetup(kase: ProcessorCase): RunSetup {
  const { options, start, beforeQuantum, onPost } = kase.open();
  const { presence = [] } = kase;
  return {
    options,
    ...(start && { start }),
    ...(onPost && { onPost }),
    beforeQuantum: (index, send, node) => {
      if (presence.length > 0) {
        node.setInput(1, PRESENCE_BLOCKS[presence[index % presence.length]!]!);
      }
      if (beforeQuantum) beforeQuantum(index, send);
    },
  };
}

/**
 * Opens a case to be run quantum by quantum.
 * @param evaluate runs the worklet's script, as it ships, in the scope that was opened for it.
 * @param clock ms, for a cold start: times the construction, and each message for `messageMs`
 */
export async function openCaseRun(
  kase: ProcessorCase,
  evaluate: (scope: WorkletScope) => unknown,
  clock?: () => number,
): Promise<ProcessorRun> {
  const { sampleRate = 48000, quantum = 128, inputs = 1, inputChannels = [1] } = kase;
  const scope = createWorkletScope({ sampleRate, quantum });
  await scope.addModule(() => evaluate(scope));
  const plan = { inputs, inputChannels, parameters: {} };
  return new ProcessorRun(scope, kase.processor, plan, caseSetup(kase), clock);
}
