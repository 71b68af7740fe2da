import { afterEach } from 'vitest';
import { createWorkletScope } from '../../src/testing/index.ts';
import type { ScopeOptions, WorkletScope } from '../../src/testing/index.ts';

const scopes: WorkletScope[] = [];

/** Opens a scope that is closed after the test. */
export function openScope(options: ScopeOptions = {}): WorkletScope {
  const scope = createWorkletScope(options);
  scopes.push(scope);
  return scope;
}

afterEach(() => {
  for (const scope of scopes.splice(0)) scope.close();
});

/** The name of what an act throws; `'none'` where it throws nothing. */
export function errorName(act: () => unknown): string {
  try {
    act();
    return 'none';
  } catch (error) {
    return (error as Error).name;
  }
}
