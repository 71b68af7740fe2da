import type { NodeOptions } from './node-options.ts';
import type { RunPlan } from './processor-run.ts';

/** The request to the measuring process. Everything in it is cloned. */
export interface MeasureRequest {
  readonly measure: 'allocation' | 'sites' | 'quanta';
  readonly processor: string;
  readonly module: string;
  readonly sampleRate: number;
  readonly quantum: number;
  readonly options: NodeOptions;
  readonly plan: RunPlan;
  readonly setup: string | undefined;
  readonly setupData: unknown;
  /** Number of quanta in a run; undefined for the default. */
  readonly quanta: number | undefined;
  /** How often quanta are timed. */
  readonly runs: number;
}

/** How much `process()` allocates, in bytes per render quantum. */
export interface Allocation {
  /** Growth of the JavaScript heap. Measured values are about 0.002 for a processor that allocates nothing. */
  readonly heapBytes: number;
  /** Growth of the memory of array buffers, which is outside the heap. */
  readonly bufferBytes: number;
  /**
   * Allocation sites, the worst first: bytes per quantum and a call path. Code that the compiler inlined is reported as its caller.
   * Empty if there is no allocation.
   */
  readonly sites: readonly string[];
}

/** How long render quanta take, as fractions of the duration of a quantum; at 1 no time is left for other work. */
export interface QuantumTimes {
  /** The first quantum in a fresh process: engines compile a function when it is first called. Measured once. */
  readonly first: number;
  readonly median: number;
  /** The slowest quantum other than the first. */
  readonly worst: number;
  /** Index of the slowest quantum, from 0. */
  readonly worstIndex: number;
  /** Duration of a quantum, in ms. */
  readonly quantumMs: number;
}

/** The limit, in bytes per quantum. The smallest object costs 16 bytes: one in 320 calls, which is one every 0.85 s, is too many. */
export const MAX_BYTES_PER_QUANTUM = 0.05;
