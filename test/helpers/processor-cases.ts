import { METER_NAMES, createMeterReading } from '../../src/core/dsp/meter-table.ts';
import type { MeterProcessorOptions } from '../../src/core/messages.ts';
import { allocateSnapshot } from '../../src/core/snapshot.ts';
import type { NodeOptions } from '../../src/testing/index.ts';
import type { WorkletName } from '../../src/web/worklet-loader.ts';

/** What a case does while it runs. Nothing here may allocate once it has warmed up. */
export interface Behaviour {
  /** Called before each quantum, counted from 0. */
  beforeQuantum?(index: number): void;
  /** Called with each message that the processor posts, in place of the thread edge. */
  onPost?(message: unknown): void;
}

/** Hands a command to the processor at once. Command objects must be reused. */
export type Send = (command: unknown) => void;

/** One configuration of one processor: for the allocation gate, the worst-quantum bench and the tests that run over all. */
export interface ProcessorCase {
  /** Unique. */
  readonly name: string;
  readonly worklet: WorkletName;
  /** The name that the worklet registers. */
  readonly processor: string;
  /** @default 48000 */
  readonly sampleRate?: number;
  /** @default 128 */
  readonly quantum?: number;
  /** Channels of the input in each quantum; the list repeats. 0 is an input to which nothing is connected. @default [1] */
  readonly inputChannels?: readonly number[];
  readonly options: () => NodeOptions;
  readonly behave?: (send: Send) => Behaviour;
}

type Variation = Pick<ProcessorCase, 'sampleRate' | 'quantum' | 'inputChannels'>;

function meter(name: string, channels: number, shared: boolean, more?: Variation): ProcessorCase {
  const { values } = createMeterReading(METER_NAMES, channels);
  const processorOptions = (): MeterProcessorOptions => ({
    channels,
    meters: METER_NAMES,
    settings: {},
    snapshot: shared ? allocateSnapshot(values.length) : null,
  });
  return {
    name: `meter, ${name}`,
    worklet: 'meter',
    processor: 'micwire-meter',
    inputChannels: [channels],
    options: () => ({ outputChannelCount: [1], processorOptions: processorOptions() }),
    ...more,
  };
}

/** Every processor in every configuration that takes a path of its own. One line each. */
export const PROCESSOR_CASES: readonly ProcessorCase[] = [
  meter('mono, posted', 1, false),
  meter('stereo, shared', 2, true),
  meter('8 channels, shared', 8, true),
  meter('stereo, input comes and goes', 2, true, { inputChannels: [2, 2, 0, 1, 0] }),
  meter('stereo, quantum 1024', 2, true, { quantum: 1024 }),
];
