import { engineFamily } from './engine-family.ts';

/**
 * Time from the context's destination to the loudspeaker, seconds, as the engine estimates it (Web Audio §1.2.2, `outputLatency`).
 * Undefined where it does not tell. Nothing else reads `outputLatency`: in Firefox 153 the first read of a context may stop the page for
 * good. It asks the process that plays, with the graph locked, while that process waits for the graph's next samples.
 */
export function outputLatencySeconds(context: AudioContext): number | undefined {
  if (engineFamily() === 'gecko') return undefined;
  // oxlint-disable-next-line no-restricted-properties -- the one place that may
  const { outputLatency } = context;
  return Number.isFinite(outputLatency) ? outputLatency : undefined;
}
