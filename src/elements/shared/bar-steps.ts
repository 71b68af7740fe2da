/** Places on a bar. A transform is a string: those of all places are made once, so that a frame makes none. */
const STEPS = 600;

const COVERS: readonly string[] = transforms((part) => `scaleX(${(1 - part).toFixed(4)})`);
const MARKS: readonly string[] = transforms((part) =>
  part === 0 ? 'translateX(-1rem)' : `translateX(${(100 * part).toFixed(2)}%)`,
);

function transforms(of: (part: number) => string): readonly string[] {
  return Array.from({ length: STEPS + 1 }, (_, step) => of(step / STEPS));
}

/** Where a value is between the ends of a bar, as one of its places. */
export function stepOf(value: number, low: number, high: number): number {
  const part = (value - low) / (high - low);
  return part > 0 ? Math.min(STEPS, Math.round(part * STEPS)) : 0;
}

/** Covers the part of a bar that is above the place. The cover's origin is the bar's upper end. */
export function coverTo(cover: HTMLElement, step: number): void {
  cover.style.transform = COVERS[step]!;
}

/** Moves a mark as wide as the bar, drawn at its lower end, to the place; out of sight at the lowest. */
export function markAt(mark: HTMLElement, step: number): void {
  mark.style.transform = MARKS[step]!;
}
