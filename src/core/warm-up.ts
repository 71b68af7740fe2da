/** Kinds of processors that this scope has warmed up. */
const warm = new Set<string>();

/**
 * Whether a warm-up is the first of its kind in this scope. Compiled code is the scope's: later processors find it, and their
 * constructors need not hold up the audio thread for it.
 * @param kind names the processor, and what chooses the code that it runs
 */
export function isFirstWarmUp(...kind: readonly unknown[]): boolean {
  const key = kind.join(' ');
  if (warm.has(key)) return false;
  warm.add(key);
  return true;
}
