import { describe, expect, test } from 'vitest';
import { SILENCE_MINUTES, SilenceWatch } from '../scripts/silence-watch.mjs';
import { TestAttempts } from '../scripts/test-attempts.mjs';

const CLOSED =
  'Failed to run the test /repo/test/browser/b.test.ts.\n[vitest] Browser connection was closed while running tests.';

type State = 'passed' | 'failed' | 'skipped' | 'pending';

function unit(file: string, project = 'browser (webkit)') {
  return { project, file: `test/browser/${file}.test.ts` };
}

function module(file: string, tests: Record<string, State>, project?: string) {
  return {
    ...unit(file, project),
    errors: [] as string[],
    tests: Object.entries(tests).map(([name, state]) => ({
      name,
      pattern: name,
      state,
      message: state === 'failed' ? `${name} was wrong` : '',
    })),
  };
}

const run = (ended: ReturnType<typeof module>[], planned = ended, unhandled: string[] = []) => ({
  planned: planned.map(({ project, file }) => ({ project, file })),
  ended,
  unhandled,
});

describe('an engine that ends by itself', () => {
  const planned = [module('a', {}), module('b', {}), module('c', {})];

  test('is started again for the file in which it ended and for those that never ran', () => {
    const attempts = new TestAttempts();
    attempts.addRun(run([module('a', { one: 'passed' })], planned, [CLOSED]), 1);
    expect([...attempts.unfinished]).toEqual([
      ['browser (webkit)', [unit('b').file, unit('c').file]],
    ]);
    expect(attempts.restarts).toHaveLength(1);
    expect(attempts.restarts[0]).toContain('[browser (webkit)] test/browser/b.test.ts');
    expect(attempts.restarts[0]).toContain('1 more file was not run');
    attempts.addRun(run([module('b', { two: 'passed' }), module('c', { three: 'passed' })]), 0);
    expect(attempts.unfinished.size).toBe(0);
    expect([attempts.passed, attempts.failed]).toEqual([3, 0]);
  });

  test.each([
    'Error: page.evaluate: Target crashed',
    'Error: page.goto: Page crashed',
    'Error: browserContext.newPage: Target page, context or browser has been closed',
    'Error: [vitest-pool]: Timeout starting browser',
  ])('is no failure of its own, however it is reported: %s', (told) => {
    const attempts = new TestAttempts();
    attempts.addRun(run([module('a', { one: 'passed' })], planned.slice(0, 2), [told]), 1);
    attempts.addRun(run([module('b', { two: 'passed' })]), 0);
    expect([attempts.passed, attempts.failed, attempts.restarts.length]).toEqual([2, 0, 1]);
  });

  test('fails the file in which it ends twice, and still runs the others', () => {
    const attempts = new TestAttempts();
    attempts.addRun(run([module('a', { one: 'passed' })], planned, [CLOSED]), 1);
    attempts.addRun(run([], [module('b', {}), module('c', {})], [CLOSED]), 1);
    expect([...attempts.unfinished.values()]).toEqual([[unit('c').file]]);
    attempts.addRun(run([module('c', { three: 'passed' })]), 0);
    expect(attempts.unfinished.size).toBe(0);
    expect([attempts.passed, attempts.failed]).toEqual([2, 1]);
    expect(attempts.failures[0]).toMatch(/b\.test\.ts: did not come to its end/);
  });

  test('does not hide an error that has nothing to do with it', () => {
    const attempts = new TestAttempts();
    attempts.addRun(run([], [module('b', {})], [CLOSED, 'ReferenceError: x is not defined']), 1);
    attempts.addRun(run([module('b', { two: 'passed' })]), 0);
    expect(attempts.failures).toEqual(['ReferenceError: x is not defined']);
  });

  test('leaves a file with tests that never ended unfinished', () => {
    const attempts = new TestAttempts();
    attempts.addRun(run([module('b', { one: 'passed', two: 'pending' })], undefined, [CLOSED]), 1);
    expect([...attempts.unfinished.values()]).toEqual([[unit('b').file]]);
    expect(attempts.passed).toBe(0);
  });
});

describe('a browser test that fails', () => {
  test('runs once more by itself, and counts as passed and flaky when it passes then', () => {
    const attempts = new TestAttempts();
    attempts.addRun(run([module('a', { 'plays (twice)': 'failed', other: 'passed' })]), 1);
    expect(attempts.repeats).toEqual([{ ...unit('a'), pattern: '^(plays (twice))$' }]);
    attempts.addRepeat(run([module('a', { 'plays (twice)': 'passed', other: 'skipped' })]));
    expect(attempts.repeats).toEqual([]);
    expect([attempts.passed, attempts.failed]).toEqual([2, 0]);
    expect(attempts.flaky).toHaveLength(1);
    expect(attempts.flaky[0]).toMatch(
      /a\.test\.ts › plays \(twice\)\n.*was wrong\n.*again: passed/,
    );
  });

  test('fails with both reasons when it fails again', () => {
    const attempts = new TestAttempts();
    attempts.addRun(run([module('a', { plays: 'failed' })]), 1);
    attempts.addRepeat(run([module('a', { plays: 'failed' })]));
    expect([attempts.passed, attempts.failed]).toEqual([0, 1]);
    expect(attempts.flaky).toEqual([]);
    expect(attempts.failures[0]).toMatch(/first: plays was wrong\n.*again: plays was wrong/);
  });

  test('runs in the engine that it failed in, and with the others of its file', () => {
    const attempts = new TestAttempts();
    const firefox = module('a', { one: 'failed', two: 'failed' }, 'browser (firefox)');
    attempts.addRun(run([module('a', { one: 'passed', two: 'passed' }), firefox]), 1);
    expect(attempts.repeats).toEqual([
      { ...unit('a', 'browser (firefox)'), pattern: '^(one|two)$' },
    ]);
  });

  test('does not run again if many fail: a broken change is not flakiness', () => {
    const tests = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`t${i}`, 'failed']));
    const attempts = new TestAttempts();
    attempts.addRun(run([module('a', tests as Record<string, State>)]), 1);
    expect(attempts.repeats).toEqual([]);
    expect(attempts.failed).toBe(21);
  });

  test('is repeated as a whole file if the file itself failed', () => {
    const attempts = new TestAttempts();
    const broken = { ...module('a', {}), errors: ['does not load'] };
    attempts.addRun(run([broken]), 1);
    expect(attempts.repeats).toEqual([{ ...unit('a'), pattern: '' }]);
    attempts.addRepeat(run([module('a', { one: 'passed' })]));
    expect([attempts.passed, attempts.failed]).toEqual([1, 0]);
    expect(attempts.flaky).toHaveLength(1);
  });
});

describe('an engine that stops', () => {
  const limitMs = SILENCE_MINUTES * 60_000;

  test('is ended once, together with those that would run after it', () => {
    const watch = new SilenceWatch(0);
    watch.plan(['firefox', 'firefox', 'webkit', 'chromium']);
    watch.end('chromium', 1000);
    watch.hear('firefox', 2000);
    expect(watch.take(limitMs + 1999)).toEqual([]);
    expect(watch.take(limitMs + 2000)).toEqual(['firefox', 'webkit']);
    expect(watch.take(9 * limitMs)).toEqual([]);
  });

  test('is not kept alive by tests that run in no engine', () => {
    const watch = new SilenceWatch(0);
    watch.plan(['firefox']);
    watch.hear('node', limitMs - 1);
    expect(watch.take(limitMs)).toEqual(['firefox']);
  });

  test('is not waited for if all have run', () => {
    const watch = new SilenceWatch(0);
    watch.plan(['firefox', 'firefox']);
    watch.end('firefox', 1);
    watch.end('firefox', 2);
    expect(watch.take(9 * limitMs)).toEqual([]);
  });
});

test('a test in Node has no second attempt', () => {
  const attempts = new TestAttempts();
  attempts.addRun(run([module('a', { one: 'failed' }, 'node')]), 1);
  expect(attempts.repeats).toEqual([]);
  expect(attempts.failed).toBe(1);
});

test('tests with the same name count separately', () => {
  const attempts = new TestAttempts();
  const twice = module('a', { one: 'passed' });
  attempts.addRun(run([{ ...twice, tests: [...twice.tests, ...twice.tests] }]), 0);
  expect(attempts.passed).toBe(2);
});

test.each([
  ['ran nothing', undefined],
  ['planned nothing', run([])],
  ['ended badly without a failed test', run([module('a', { one: 'passed' })])],
])('a run that %s is a failure', (_, record) => {
  const attempts = new TestAttempts();
  attempts.addRun(record, 1);
  expect(attempts.failed).toBe(1);
});

test('the report ends with the count: restarts, flaky tests and failures precede it, in this order', () => {
  const attempts = new TestAttempts();
  const planned = [module('a', {}), module('b', {})];
  const a = module('a', { flaky: 'failed', broken: 'failed' });
  attempts.addRun(run([a], planned, [CLOSED]), 1);
  attempts.addRun(run([module('b', { two: 'passed' })]), 0);
  attempts.addRepeat(run([module('a', { flaky: 'passed', broken: 'failed' })]));
  const lines = attempts.report.split('\n').filter((line) => /^(──|\d)/.test(line));
  expect(lines).toEqual([
    '── Engines that ended by themselves and were started again ──',
    '── Flaky: failed, then passed by themselves ──',
    '── Failed ──',
    '2 passed, 1 failed',
  ]);
  expect(new TestAttempts().report).toBe('\n0 passed, 0 failed');
});
