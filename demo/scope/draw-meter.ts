import type { Levels } from '../audio/tap.ts';
import type { Box } from './scope-layout.ts';
import type { ScopeTheme } from './scope-theme.ts';

/** The bottom of the meters' scale in dBFS. */
export const METER_FLOOR_DBFS = -60;

const BAR_WIDTH = 12;
const MARKS = [0, -12, -24, -36, -48, -60];

/** Draws an upright meter: RMS filled, the peak above it pale, the held peak a line, and a cap once samples clipped. */
export function drawMeter(
  pen: CanvasRenderingContext2D,
  box: Box,
  levels: Levels | null,
  colour: string,
  paleColour: string,
  theme: ScopeTheme,
): void {
  const top = (dbfs: number): number =>
    box.y + box.height * (Math.max(METER_FLOOR_DBFS, Math.min(0, dbfs)) / METER_FLOOR_DBFS);
  const bottom = box.y + box.height;
  pen.fillStyle = theme.line;
  pen.globalAlpha = 0.6;
  pen.fillRect(box.x, box.y, BAR_WIDTH, box.height);
  pen.globalAlpha = 1;
  if (levels !== null) {
    const peak = top(levels.peakDbfs);
    pen.fillStyle = paleColour;
    pen.fillRect(box.x, peak, BAR_WIDTH, bottom - peak);
    const rms = top(levels.rmsDbfs);
    pen.fillStyle = colour;
    pen.fillRect(box.x, rms, BAR_WIDTH, bottom - rms);
    if (levels.heldPeakDbfs > METER_FLOOR_DBFS) {
      pen.fillStyle = theme.ink;
      pen.fillRect(box.x, Math.max(box.y, top(levels.heldPeakDbfs) - 1), BAR_WIDTH, 2);
    }
    if (levels.clips > 0) {
      pen.fillStyle = theme.alert;
      pen.fillRect(box.x - 2, box.y - 6, BAR_WIDTH + 4, 4);
    }
  }
  pen.font = theme.font;
  pen.textAlign = 'right';
  pen.textBaseline = 'middle';
  for (const mark of MARKS) {
    const y = Math.round(top(mark));
    pen.fillStyle = theme.line;
    pen.fillRect(box.x + BAR_WIDTH + 2, Math.min(y, bottom - 1), 4, 1);
    pen.fillStyle = theme.inkSoft;
    pen.fillText(mark === 0 ? '0' : `−${-mark}`, box.x + box.width, y);
  }
}
