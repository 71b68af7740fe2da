/**
 * Corrects the context's `currentFrame` in quanta that repeat it. While the page connects or disconnects nodes, Chromium 156
 * gives a processor the frame of the previous quantum: it updates the worklet's scope only if it gets the graph's lock at once
 * (`BaseAudioContext::UpdateWorkletGlobalScopeOnRenderingThread`). After quanta that were not rendered, by contrast, the frame
 * jumps ahead and stays ahead.
 */
export class QuantumClock {
  #next = 0;

  /**
   * Takes the next quantum.
   * @param frame `currentFrame`
   * @param frames length of the quantum
   * @returns the frame at which it begins
   */
  begin(frame: number, frames: number): number {
    const begins = frame < this.#next ? this.#next : frame;
    this.#next = begins + frames;
    return begins;
  }
}
