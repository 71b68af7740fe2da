import { expect, test } from 'vitest';
import { Unanswered } from '../src/node/nats/unanswered.ts';
import { seededRandom } from './helpers/random.ts';

const TIMEOUT_MS = 1000;

test('requests without an answer are given up when nothing at all is answered', () => {
  const asked = new Unanswered<string>();
  asked.add('a', 0);
  asked.add('b', 400);
  expect(asked.overdue(TIMEOUT_MS, 999)).toEqual([]);
  expect(asked.overdue(TIMEOUT_MS, 1000)).toEqual(['a']);
  expect(asked.overdue(TIMEOUT_MS, 1399)).toEqual([]);
  expect(asked.overdue(TIMEOUT_MS, 1400)).toEqual(['b']);
  expect(asked.size).toBe(0);
});

test('a server that answers late, but answers, is waited for', () => {
  const asked = new Unanswered<number>();
  // A question each 10 ms; each answer comes later than the one before, in the end six times the time-out.
  const answers: { readonly number: number; readonly atMs: number }[] = [];
  for (let i = 0, atMs = 0; i < 1000; i++, atMs += 10) {
    answers.push({ number: asked.add(i, atMs), atMs: i * 16 + 20 });
    while (answers[0] !== undefined && answers[0].atMs <= atMs) {
      expect(asked.take(answers.shift()!.number, true, atMs)).toBeDefined();
    }
    expect(asked.overdue(TIMEOUT_MS, atMs)).toEqual([]);
  }
  expect(answers.length).toBeGreaterThan(300);
});

test('a request that was overtaken is given up while others are answered, and late answers are ignored', () => {
  const asked = new Unanswered<string>();
  const lost = asked.add('lost', 0);
  const next = asked.add('next', 10);
  asked.add('waits', 20);
  expect(asked.take(next, true, 900)).toBe('next');
  expect(asked.overdue(TIMEOUT_MS, 990)).toEqual([]);
  expect(asked.overdue(TIMEOUT_MS, 1500)).toEqual(['lost']);
  expect(asked.take(lost, true, 1600)).toBeUndefined();
  expect(asked.take(Number.NaN, true, 1600)).toBeUndefined();
  expect(asked.size).toBe(1);
  // The server was heard of at 1600: an answer that nobody waits for is one.
  expect(asked.overdue(TIMEOUT_MS, 2599)).toEqual([]);
  expect(asked.overdue(TIMEOUT_MS, 2600)).toEqual(['waits']);
});

test('a server that was slow once is not given up for ever', () => {
  const asked = new Unanswered<number>();
  const answers: { readonly number: number; readonly atMs: number }[] = [];
  let stored = 0;
  let failed = 0;
  for (let atMs = 0; atMs < 60_000; atMs += 10) {
    // Its answers come after 50 ms; from the tenth second on after one and a half time-outs.
    const delayMs = atMs < 10_000 ? 50 : 1.5 * TIMEOUT_MS;
    answers.push({ number: asked.add(atMs, atMs), atMs: atMs + delayMs });
    while (answers[0] !== undefined && answers[0].atMs <= atMs) {
      if (asked.take(answers.shift()!.number, true, atMs) !== undefined && atMs > 30_000) stored++;
    }
    const overdue = asked.overdue(TIMEOUT_MS, atMs).length;
    if (atMs > 30_000) failed += overdue;
  }
  expect(stored).toBeGreaterThan(2900);
  expect(failed).toBe(0);
});

test('a refusal that overtakes a request does not count as its loss', () => {
  const asked = new Unanswered<string>();
  asked.add('waits', 0);
  const refused = asked.add('refused', 10);
  expect(asked.take(refused, false, 900)).toBe('refused');
  expect(asked.overdue(TIMEOUT_MS, 1500)).toEqual([]);
});

test('two hundred seeds: everything ends once, and no request that would be answered in time is given up', () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed);
    const asked = new Unanswered<number>();
    const isLost = new Set<number>();
    const open: number[] = [];
    const ended = new Set<number>();
    let answerAtMs = 0;
    for (let nowMs = 0; nowMs < 20_000; nowMs += 50) {
      if (nowMs < 15_000 && random() < 0.5) {
        const number = asked.add(asked.size, nowMs);
        open.push(number);
        if (random() < 0.05) isLost.add(number);
      }
      // In order, with pauses that are shorter than the time-out.
      while (open.length > 0 && nowMs >= answerAtMs) {
        const number = open.shift()!;
        if (isLost.has(number)) continue;
        answerAtMs = nowMs + random() * 900;
        expect(asked.take(number, true, nowMs), `seed ${seed}`).toBeDefined();
        ended.add(number);
      }
      const before = asked.size;
      const overdue = asked.overdue(TIMEOUT_MS, nowMs).length;
      expect(asked.size).toBe(before - overdue);
      const lostSoFar = [...isLost].filter((number) => !open.includes(number)).length;
      expect(overdue, `seed ${seed}`).toBeLessThanOrEqual(lostSoFar);
    }
  }
});
