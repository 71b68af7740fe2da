import type { ChunkTape } from './chunk-tape.ts';
import type { Box } from './scope-layout.ts';
import type { ScopeTheme } from './scope-theme.ts';
import type { WaveHistory } from 'micwire/metering';

/** The stretch of time that is in view. */
export interface View {
  /** Time at the right edge, in seconds. */
  readonly now: number;
  readonly seconds: number;
}

/** Heights follow the samples' size to this power, so that quiet audio can be seen beside loud. */
const HEIGHT_POWER = 0.65;

/** Draws a waveform, newest at the right; a line at rest where there is none. */
export function drawWave(
  pen: CanvasRenderingContext2D,
  box: Box,
  view: View,
  history: WaveHistory | null,
  colour: string,
): void {
  const middle = box.y + box.height / 2;
  pen.fillStyle = colour;
  pen.globalAlpha = history === null ? 0.45 : 1;
  pen.fillRect(box.x, middle - 0.5, box.width, 1);
  pen.globalAlpha = 1;
  if (history === null) return;
  const pixelsPerSecond = box.width / view.seconds;
  const columnWidth = pixelsPerSecond / history.columnsPerSecond;
  const first = Math.floor((view.now - view.seconds) * history.columnsPerSecond);
  const last = Math.floor(view.now * history.columnsPerSecond);
  const reach = box.height / 2 - 4;
  pen.save();
  pen.beginPath();
  pen.rect(box.x, box.y, box.width, box.height);
  pen.clip();
  pen.beginPath();
  for (let column = Math.max(0, first); column <= last; column++) {
    const high = height(history.high(column)) * reach;
    const low = height(history.low(column)) * reach;
    if (high - low < 0.5) continue;
    const age = view.now - column / history.columnsPerSecond;
    // A little wider than a column, or antialiasing leaves gaps.
    pen.rect(
      box.x + box.width - age * pixelsPerSecond,
      middle - high,
      columnWidth + 0.35,
      high - low,
    );
  }
  pen.fill();
  pen.restore();
}

/** −1..1 → −1..1 */
function height(sample: number): number {
  return Math.sign(sample) * Math.min(1, Math.abs(sample)) ** HEIGHT_POWER;
}

const TILE_HEIGHT = 16;
/** Below this width a tile is a mark without an outline. */
const OUTLINED_WIDTH = 5;

/** Draws one mark a chunk: filled when its echo is back, hollow while it is under way, low and crossed when it was dropped. */
export function drawTape(
  pen: CanvasRenderingContext2D,
  box: Box,
  view: View,
  tape: ChunkTape | null,
  theme: ScopeTheme,
): void {
  const top = box.y + (box.height - TILE_HEIGHT) / 2;
  pen.fillStyle = theme.line;
  pen.fillRect(box.x, top - 4, box.width, 1);
  pen.fillRect(box.x, top + TILE_HEIGHT + 3, box.width, 1);
  if (tape === null) return;
  const pixelsPerSecond = box.width / view.seconds;
  const right = box.x + box.width;
  pen.save();
  pen.beginPath();
  pen.rect(box.x, box.y, box.width, box.height);
  pen.clip();
  for (const tile of tape) {
    const x = right - (view.now - tile.time) * pixelsPerSecond;
    const width = tile.seconds * pixelsPerSecond;
    if (x + width < box.x) continue;
    const gap = width > 3 ? 1 : 0;
    if (tile.fate === 'back') {
      pen.fillStyle = theme.tape;
      pen.fillRect(x, top, Math.max(0.5, width - gap), TILE_HEIGHT);
    } else if (tile.fate === 'sent') {
      pen.strokeStyle = theme.tape;
      pen.lineWidth = 1;
      if (width >= OUTLINED_WIDTH)
        pen.strokeRect(x + 0.5, top + 0.5, width - gap - 1, TILE_HEIGHT - 1);
      else {
        pen.fillStyle = theme.tape;
        pen.fillRect(x, top, width - gap, 2);
        pen.fillRect(x, top + TILE_HEIGHT - 2, width - gap, 2);
      }
    } else {
      pen.strokeStyle = theme.alert;
      pen.lineWidth = 1.25;
      pen.beginPath();
      pen.moveTo(x, top + TILE_HEIGHT - 6);
      pen.lineTo(x + width - gap, top + TILE_HEIGHT);
      pen.moveTo(x + width - gap, top + TILE_HEIGHT - 6);
      pen.lineTo(x, top + TILE_HEIGHT);
      pen.stroke();
    }
  }
  pen.restore();
}

/** Draws the seconds before now. */
export function drawAxis(
  pen: CanvasRenderingContext2D,
  box: Box,
  view: View,
  height: number,
  theme: ScopeTheme,
): void {
  pen.font = theme.font;
  pen.textBaseline = 'middle';
  for (let second = 0; second <= view.seconds; second++) {
    const x = Math.round(box.x + box.width * (1 - second / view.seconds));
    pen.fillStyle = theme.line;
    if (second < view.seconds) pen.fillRect(x - (second === 0 ? 1 : 0), 0, 1, height - box.height);
    pen.fillStyle = theme.inkSoft;
    pen.textAlign = second === 0 ? 'right' : second === view.seconds ? 'left' : 'center';
    pen.fillText(second === 0 ? 'now' : `−${second} s`, x, box.y + box.height / 2);
  }
}
