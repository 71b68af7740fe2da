import type { LoudnessLevels } from '../controllers/loudness-monitor.ts';
import type { ScopeTheme } from '../scope/scope-theme.ts';
import { EBU_SCALES, TARGET_LUFS, placeOf } from './ebu-scale.ts';
import type { EbuScale, LoudnessUnit } from './ebu-scale.ts';

/** CSS pixels. */
export const LOUDNESS_HEIGHT = 220;
const TOP = 22;
const BOTTOM = 18;
const BAR = 14;
const GAP = 5;
/** Room for a scale's figures. */
const FIGURES = 30;
/** CSS pixels: all bars of two channels. */
export const LOUDNESS_WIDTH = 340;

/** What is drawn. */
export interface LoudnessPicture {
  readonly levels: LoudnessLevels | null;
  readonly scale: EbuScale;
  readonly unit: LoudnessUnit;
}

/** A linear scale of bars beside the loudness scale. */
interface Scale {
  readonly low: number;
  readonly high: number;
  readonly marks: readonly number[];
}
const PEAK_SCALE: Scale = { low: -48, high: 3, marks: [3, 0, -6, -12, -18, -24, -36, -48] };
/** PPM IIb, dB from alignment; the scale's ends are those of the instrument. */
const PPM_SCALE: Scale = { low: -14, high: 14, marks: [12, 8, 4, 0, -4, -8, -12] };
const VU_SCALE: Scale = { low: -20, high: 3, marks: [3, 0, -3, -5, -7, -10, -20] };

interface Bar {
  readonly name: string;
  readonly place: number;
  /** Where a thin line is drawn over the bar; below 0: nowhere. */
  readonly held: number;
  readonly alert: boolean;
}

/** Draws the bars onto a canvas that is `width` CSS pixels wide. */
export function drawLoudness(
  pen: CanvasRenderingContext2D,
  width: number,
  picture: LoudnessPicture,
  theme: ScopeTheme,
): void {
  const { levels, scale, unit } = picture;
  pen.clearRect(0, 0, width, LOUDNESS_HEIGHT);
  pen.font = theme.font;
  const place = (lufs: number): number => placeOf(lufs, scale);
  const over = (lufs: number): boolean => lufs > TARGET_LUFS + EBU_SCALES[scale].high;
  const momentary = levels?.momentaryLufs ?? -Infinity;
  const shortTerm = levels?.shortTermLufs ?? -Infinity;
  const integrated = levels?.integratedLufs ?? -Infinity;
  const absolute = unit === 'LUFS' ? TARGET_LUFS : 0;
  const span = EBU_SCALES[scale];
  const names = levels?.channels === 2 ? ['L', 'R'] : ['mono'];
  let x = drawGroup(pen, 8, theme, {
    title: unit,
    bars: [
      bar('M', place(momentary), place(levels?.maxMomentaryLufs ?? -Infinity), over(momentary)),
      bar('S', place(shortTerm), place(levels?.maxShortTermLufs ?? -Infinity), over(shortTerm)),
      bar('I', place(integrated), -1, over(integrated)),
    ],
    marks: span.marks.map((mark) => [
      (mark - span.low) / (span.high - span.low),
      String(mark + absolute),
    ]),
  });
  const peaks = barsOf(
    names,
    PEAK_SCALE,
    levels?.truePeakDbtp,
    levels?.heldTruePeakDbtp,
    (level) => level > -1,
  );
  x = drawGroup(pen, x, theme, { title: 'dBTP', bars: peaks, marks: marksOf(PEAK_SCALE) });
  const ppm = barsOf(names, PPM_SCALE, levels?.ppmScale, undefined, (level) => level > 9);
  x = drawGroup(pen, x, theme, { title: 'PPM', bars: ppm, marks: marksOf(PPM_SCALE) });
  const vu = barsOf(names, VU_SCALE, levels?.vu, undefined, (level) => level > 0);
  drawGroup(pen, x, theme, { title: 'VU', bars: vu, marks: marksOf(VU_SCALE) });
}

function bar(name: string, place: number, held: number, alert: boolean): Bar {
  return { name, place, held: held > 0 ? held : -1, alert };
}

function on({ low, high }: Scale, level: number): number {
  return Math.max(0, Math.min(1, (level - low) / (high - low)));
}

function barsOf(
  names: readonly string[],
  scale: Scale,
  values: Float64Array | undefined,
  held: Float64Array | undefined,
  alert: (level: number) => boolean,
): readonly Bar[] {
  return names.map((name, channel) => {
    const value = values?.[channel] ?? -Infinity;
    return bar(name, on(scale, value), on(scale, held?.[channel] ?? -Infinity), alert(value));
  });
}

function marksOf(scale: Scale): readonly (readonly [number, string])[] {
  return scale.marks.map((mark) => [on(scale, mark), String(mark)]);
}

/** Draws bars with their scale to the right; returns where the next group begins. */
function drawGroup(
  pen: CanvasRenderingContext2D,
  left: number,
  theme: ScopeTheme,
  group: {
    readonly title: string;
    readonly bars: readonly Bar[];
    readonly marks: readonly (readonly [number, string])[];
  },
): number {
  const height = LOUDNESS_HEIGHT - TOP - BOTTOM;
  const y = (place: number): number => TOP + height * (1 - place);
  let x = left;
  pen.textAlign = 'left';
  pen.textBaseline = 'alphabetic';
  pen.fillStyle = theme.inkSoft;
  pen.fillText(group.title, left, TOP - 9);
  for (const { name, place, held, alert } of group.bars) {
    pen.fillStyle = theme.line;
    pen.fillRect(x, TOP, BAR, height);
    pen.fillStyle = alert ? theme.alert : theme.input;
    pen.fillRect(x, y(place), BAR, height * place);
    if (held >= 0) {
      pen.fillStyle = theme.ink;
      pen.fillRect(x, y(held) - 1, BAR, 2);
    }
    pen.fillStyle = theme.inkSoft;
    pen.textAlign = 'center';
    pen.fillText(name, x + BAR / 2, LOUDNESS_HEIGHT - 5);
    x += BAR + GAP;
  }
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  for (const [place, text] of group.marks) {
    pen.fillStyle = theme.line;
    pen.fillRect(x - 2, Math.round(y(place)), 4, 1);
    pen.fillStyle = theme.inkSoft;
    pen.fillText(text.replace('-', '−'), x + FIGURES - 2, y(place));
  }
  return x + FIGURES + 10;
}
