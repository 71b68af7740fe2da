import { describe, expect, it } from 'vitest';
import { RealClock } from '../demo/link/real-clock.ts';
import { ErrorBoundary } from '../demo/server/error-boundary.ts';

const fail = (): never => {
  throw new Error('planted');
};

describe('ErrorBoundary', () => {
  it('calls the end function of a handler that throws or rejects, and counts the fault', async () => {
    const lines: string[] = [];
    const boundary = new ErrorBoundary('test', (line) => lines.push(line));
    const ended: string[] = [];
    const end = (name: string): void => void ended.push(name);
    boundary.guard((_name: string) => fail(), end)('thrown');
    boundary.guard(async (name: string) => fail() || name, end)('rejected');
    boundary.guard((name: string) => name, end)('fine');
    await expect.poll(() => ended).toEqual(['thrown', 'rejected']);
    expect(boundary.faults).toBe(2);
    expect(lines[0]).toMatch(/^test: an unexpected error was caught: Error: planted/);
  });

  it('survives an end function that fails too, and prints little of a flood', () => {
    const lines: string[] = [];
    const boundary = new ErrorBoundary('test', (line) => lines.push(line));
    for (let i = 0; i < 1000; i++) boundary.run(fail, fail);
    expect(boundary.faults).toBe(2000);
    expect(lines.length).toBeLessThan(20);
  });

  it('prints no text of a thrown value that is not an error, and little of a long one', () => {
    const lines: string[] = [];
    const boundary = new ErrorBoundary('test', (line) => lines.push(line));
    boundary.report({ toString: fail });
    boundary.report(new Error('x'.repeat(100_000)));
    expect(lines[0]).toBe('test: an unexpected error was caught: object');
    expect(lines[1]!.length).toBeLessThan(2100);
  });
});

describe('RealClock', () => {
  it('runs the timers of others when one throws, and ends the user of that one', () => {
    const boundary = new ErrorBoundary('test', () => {});
    const clock = new RealClock(boundary);
    const ended: string[] = [];
    const ran: string[] = [];
    clock.guarded(() => ended.push('faulty')).at(0, fail);
    clock.at(0, fail);
    clock.guarded(() => ended.push('sound')).at(0, () => ran.push('sound'));
    clock.catchUp();
    clock.close();
    expect(ended).toEqual(['faulty']);
    expect(ran).toEqual(['sound']);
    expect(boundary.faults).toBe(2);
  });
});
