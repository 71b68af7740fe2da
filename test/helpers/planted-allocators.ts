import type { ProcessorCase } from './processor-cases.ts';

/** A case whose script is given here, not bundled from `worklets/`. */
export interface PlantedCase extends ProcessorCase {
  readonly script: string;
}

function planted(name: string, body: string, fields = ''): PlantedCase {
  const script = `registerProcessor('planted', class extends AudioWorkletProcessor {
    ${fields}
    process(inputs, outputs) { ${body}; return true; }
  });`;
  return {
    name: `planted: ${name}`,
    worklet: 'meter',
    processor: 'planted',
    open: () => ({ options: {} }),
    script,
  };
}

/** Allocates nothing: the gate's own floor. */
export const CLEAN_CASE: PlantedCase = planted(
  'nothing',
  'for (let i = 0; i < outputs[0][0].length; i++) outputs[0][0][i] = inputs[0][0][i] * 0.5',
);

/** Each allocates in one of the ways that slip into real code: the gate must catch every one. */
export const ALLOCATORS: readonly PlantedCase[] = [
  planted('a view', 'outputs[0][0].subarray(0, 64).fill(1)'),
  planted('an object', 'this.last = { rms: inputs[0][0][0] }'),
  planted('a closure', 'this.last = () => inputs'),
  planted('a string', 'this.last = `${currentFrame}`'),
  planted('an iterator', 'this.last = inputs[0].entries()'),
  planted('a boxed number', 'this.mixed[1] = inputs[0][0][3] * 0.5', "mixed = ['', 0];"),
  planted(
    'a big array once in 400 quanta',
    'if (++this.n % 400 === 0) this.keep = new Float32Array(480)',
    'n = 0;',
  ),
];

export const PLANTED_CASES: readonly PlantedCase[] = [CLEAN_CASE, ...ALLOCATORS];
