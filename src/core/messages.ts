/**
 * Every message that crosses a thread, declared once. Commands go to a processor and take effect at the next render
 * quantum; events come from it and carry `frame`, the context's `currentFrame`, never wall time.
 */
import type { MeterName, MeterSettings } from './dsp/meter-table.ts';

// --- capture -------------------------------------------------------------------------------------------------------

export interface CaptureProcessorOptions {
  /** The wire's channel count; the input is mixed to it. */
  readonly channels: number;
}
export type CaptureCommand = { readonly type: 'close' };
export type CaptureEvent = { readonly type: 'closed'; readonly frame: number };

// --- meter ---------------------------------------------------------------------------------------------------------

export interface MeterProcessorOptions {
  /** Channels to meter; an input with fewer leaves the others silent. */
  readonly channels: number;
  /** Which meters to run. */
  readonly meters: readonly MeterName[];
  /** Settings of single meters. */
  readonly settings: MeterSettings;
  /** Where readings go (`src/core/snapshot.ts`); null where memory cannot be shared: they are posted then. */
  readonly snapshot: SharedArrayBuffer | null;
}
export type MeterCommand =
  /** Starts the meters anew. */
  { readonly type: 'reset' } | { readonly type: 'close' };
export type MeterEvent =
  /** The reading, in the order of the meters' fields. Posted at most 60 times a second, only without a snapshot. */
  | { readonly type: 'reading'; readonly frame: number; readonly values: Float64Array }
  | { readonly type: 'closed'; readonly frame: number };

// --- playout -------------------------------------------------------------------------------------------------------

export interface PlayoutProcessorOptions {
  readonly channels: number;
}
export type PlayoutCommand = { readonly type: 'close' };
export type PlayoutEvent = { readonly type: 'closed'; readonly frame: number };

// --- the table -----------------------------------------------------------------------------------------------------

/** Registered name of each processor → what it takes at construction, what it is told, what it tells. */
export interface ProcessorMap {
  readonly 'micwire-capture': {
    readonly options: CaptureProcessorOptions;
    readonly command: CaptureCommand;
    readonly event: CaptureEvent;
  };
  readonly 'micwire-meter': {
    readonly options: MeterProcessorOptions;
    readonly command: MeterCommand;
    readonly event: MeterEvent;
  };
  readonly 'micwire-playout': {
    readonly options: PlayoutProcessorOptions;
    readonly command: PlayoutCommand;
    readonly event: PlayoutEvent;
  };
}
export type ProcessorName = keyof ProcessorMap;
