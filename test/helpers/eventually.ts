import { vi } from 'vitest';

/** Longer than sound takes to begin on a machine that is busy; what never comes fails well within a test's own time. */
const PATIENCE_MS = 10_000;

/** Tries until the check throws no more. @returns what it returned @throws what it threw last, when it takes too long */
export function eventually<Result>(
  check: () => Result | Promise<Result>,
  options: { readonly timeout?: number; readonly interval?: number } = {},
): Promise<Result> {
  return vi.waitFor(check, { timeout: PATIENCE_MS, ...options });
}
