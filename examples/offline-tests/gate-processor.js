/** A noise gate: 50 ms after the last sample above the threshold it closes, within 50 ms; it opens within 5 ms. */
class GateProcessor extends AudioWorkletProcessor {
  static get parameterDescriptors() {
    return [{ name: 'thresholdDbfs', defaultValue: -50, minValue: -100, maxValue: 0 }];
  }

  #gain = 0;
  #framesSinceLoud = Infinity;

  process(inputs, outputs, parameters) {
    const input = inputs[0];
    const threshold = 10 ** (parameters.thresholdDbfs[0] / 20);
    for (let i = 0; i < outputs[0][0].length; i++) {
      let peak = 0;
      for (let c = 0; c < input.length; c++) peak = Math.max(peak, Math.abs(input[c][i]));
      this.#framesSinceLoud = peak > threshold ? 0 : this.#framesSinceLoud + 1;
      const opens = this.#framesSinceLoud < 0.05 * sampleRate;
      const step = opens ? 1 / (0.005 * sampleRate) : -1 / (0.05 * sampleRate);
      this.#gain = Math.min(1, Math.max(0, this.#gain + step));
      for (let c = 0; c < input.length; c++) outputs[0][c][i] = input[c][i] * this.#gain;
    }
    return true;
  }
}

registerProcessor('gate', GateProcessor);
