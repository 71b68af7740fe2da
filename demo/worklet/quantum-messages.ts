/** What the probe of render quanta posts: some quanta in a row. */
export interface QuantumReport {
  /** Number of the first quantum's first frame, on the context's clock. */
  readonly firstFrame: number;
  /** Frames of each quantum. */
  readonly quantumFrames: number;
  /** The audio of all of them, the first channel. */
  readonly samples: Float32Array;
  /** When each began, in whole ms of the wall clock. */
  readonly startedMs: Float64Array;
  /** How often the wall clock's millisecond changed while the probe worked on them. */
  readonly ticks: number;
}

/** What the page tells the probe. */
export interface QuantumWork {
  /** Sines to compute in each quantum, only for the time that they take. */
  readonly sines: number;
}
