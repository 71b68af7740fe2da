/**
 * The context's `currentFrame` without the quanta that repeat one. While the page connects or disconnects nodes, Chromium 156
 * gives a processor the frame of the quantum before: it updates the worklet's scope only if it gets the graph's lock at once
 * (`BaseAudioContext::UpdateWorkletGlobalScopeOnRenderingThread`). Quanta that were not rendered are another matter: there
 * the frame jumps ahead, and stays so.
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
