/** A rectangle in CSS pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Heights of the scope's bands in CSS pixels; the page's grid uses the same ones. */
export const SCOPE_BANDS = { wave: 104, tape: 40, axis: 20 } as const;

/** Height of the whole scope in CSS pixels. */
export const SCOPE_HEIGHT: number = 2 * SCOPE_BANDS.wave + SCOPE_BANDS.tape + SCOPE_BANDS.axis;

/** Width of a meter with its scale. */
const METER_WIDTH = 52;
const INSET = 8;

/** Where each part of the scope lies. */
export interface ScopeLayout {
  readonly inputWave: Box;
  readonly tape: Box;
  readonly outputWave: Box;
  readonly axis: Box;
  readonly inputMeter: Box;
  readonly outputMeter: Box;
}

/** Lays out a scope of the given width: waves and tape share one time axis, the meters are at its newest end. */
export function layOut(width: number): ScopeLayout {
  const { wave, tape, axis } = SCOPE_BANDS;
  const traceWidth = Math.max(0, width - METER_WIDTH - 2 * INSET);
  const band = (y: number, height: number): Box => ({ x: INSET, y, width: traceWidth, height });
  const meter = (y: number): Box => ({
    x: INSET + traceWidth + INSET,
    y: y + INSET,
    width: METER_WIDTH - INSET,
    height: wave - 2 * INSET,
  });
  return {
    inputWave: band(0, wave),
    tape: band(wave, tape),
    outputWave: band(wave + tape, wave),
    axis: band(2 * wave + tape, axis),
    inputMeter: meter(0),
    outputMeter: meter(wave + tape),
  };
}
