import type { QuantumReport, QuantumWork } from './quantum-messages.ts';

/** Quanta of one report: some 40 ms at 48 kHz. */
const REPORT_QUANTA = 15;

/**
 * Passes audio through, does as much extra work as requested, and reports every quantum. An audio worklet's only clock is `Date`,
 * which counts whole milliseconds.
 */
class QuantumProbe extends AudioWorkletProcessor {
  #sines = 0;
  #samples = new Float32Array(0);
  readonly #startedMs = new Float64Array(REPORT_QUANTA);
  #quanta = 0;
  #firstFrame = 0;
  #ticks = 0;
  #closed = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<QuantumWork | 'close'>): void => {
      if (data === 'close') this.#closed = true;
      else this.#sines = data.sines;
    };
  }

  process(inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    const output = outputs[0]![0]!;
    const frames = output.length;
    const before = Date.now();
    let sum = 0;
    for (let i = 0; i < this.#sines; i++) sum += Math.sin(i);
    const input = inputs[0]![0];
    if (input !== undefined) output.set(input);
    // So that no engine optimises the work away: the value is never that large.
    if (sum > 1e9) output[0] = 0;
    if (this.#samples.length !== frames * REPORT_QUANTA) {
      this.#samples = new Float32Array(frames * REPORT_QUANTA);
      this.#quanta = 0;
      this.#ticks = 0;
    }
    if (this.#quanta === 0) this.#firstFrame = currentFrame;
    this.#samples.set(output, this.#quanta * frames);
    this.#startedMs[this.#quanta++] = before;
    this.#ticks += Date.now() - before;
    if (this.#quanta === REPORT_QUANTA) this.#report(frames);
    return !this.#closed;
  }

  #report(quantumFrames: number): void {
    const report: QuantumReport = {
      firstFrame: this.#firstFrame,
      quantumFrames,
      samples: this.#samples,
      startedMs: this.#startedMs,
      ticks: this.#ticks,
    };
    // Copied by the message, not transferred: the arrays are reused.
    this.port.postMessage(report);
    this.#quanta = 0;
    this.#ticks = 0;
  }
}

registerProcessor('lab-quantum-probe', QuantumProbe);
