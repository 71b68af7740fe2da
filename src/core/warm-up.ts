/** The kinds of processor that this scope has warmed up. */
const warm = new Set<string>();

/**
 * Returns whether a warm-up is the first of its kind in this scope. Compiled code belongs to the scope: later processors find
 * it, and their constructors need not hold up the audio thread for it.
 * @param kind the processor's name, and whatever decides which code it runs
 */
export function isFirstWarmUp(...kind: readonly unknown[]): boolean {
  const key = kind.join(' ');
  if (warm.has(key)) return false;
  warm.add(key);
  return true;
}
