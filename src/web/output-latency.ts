import { engineFamily } from './engine-family.ts';

/**
 * Returns the time from the context's destination to the loudspeaker, in seconds, as estimated by the engine (Web Audio §1.2.2,
 * `outputLatency`); undefined where there is no estimate. No other code reads `outputLatency`: in Firefox 153 the first read of a
 * context may hang the page. It queries the process that plays, with the graph locked, while that process waits for the graph's
 * next samples.
 */
export function outputLatencySeconds(context: AudioContext): number | undefined {
  if (engineFamily() === 'gecko') return undefined;
  // oxlint-disable-next-line no-restricted-properties -- the one place that may
  const { outputLatency } = context;
  return Number.isFinite(outputLatency) ? outputLatency : undefined;
}
