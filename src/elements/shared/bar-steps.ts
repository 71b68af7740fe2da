/**
 * Number of positions on a bar. A transform is a string: the strings of all positions are created once, so that frames do not
 * allocate.
 */
const STEPS = 600;

const COVERS: readonly string[] = transforms((part) => `scaleX(${(1 - part).toFixed(4)})`);
const MARKS: readonly string[] = transforms((part) =>
  part === 0 ? 'translateX(-1rem)' : `translateX(${(100 * part).toFixed(2)}%)`,
);

function transforms(of: (part: number) => string): readonly string[] {
  return Array.from({ length: STEPS + 1 }, (_, step) => of(step / STEPS));
}

/** Returns the position of a value between the ends of a bar. */
export function stepOf(value: number, low: number, high: number): number {
  const part = (value - low) / (high - low);
  return part > 0 ? Math.min(STEPS, Math.round(part * STEPS)) : 0;
}

/** Covers the part of a bar above the position. The cover's origin is the bar's upper end. */
export function coverTo(cover: HTMLElement, step: number): void {
  cover.style.transform = COVERS[step]!;
}

/** Moves a mark as wide as the bar, drawn at its lower end, to the position; it is out of sight at the lowest one. */
export function markAt(mark: HTMLElement, step: number): void {
  mark.style.transform = MARKS[step]!;
}
