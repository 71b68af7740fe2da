import type { Row } from '../measure.ts';
import type { EventEffect, Verdict } from './verdict.ts';

/** The verdict as rows: the account, then the cost of each kind of event. */
export function rowsOf(verdict: Verdict, name: string): Row[] {
  const { capturedFrames, deliveredFrames, droppedFrames, unaccountedFrames } = verdict;
  const account: [metric: string, value: number, unit: string][] = [
    ['captured', capturedFrames, 'frames'],
    ['delivered', deliveredFrames, 'frames'],
    ['dropped', droppedFrames, 'frames'],
    ['unaccounted for', unaccountedFrames, 'frames'],
    ['faults of the account', verdict.faults.length, 'faults'],
    ['delivered: of the device in use, with its numbers', verdict.rightFrames, 'frames'],
    ['delivered: exact zeros', verdict.zeroFrames, 'frames'],
    ['delivered: fades and joins', verdict.otherFrames, 'frames'],
    ['delivered: of a device that the system changed to unasked', verdict.foreignFrames, 'frames'],
    ['jumps within a device', verdict.jumps.length, 'jumps'],
    ['frames that the engine lost there', sum(verdict.jumps.filter((jump) => jump > 0)), 'frames'],
    ['delay of a device, from opening to opening', verdict.delaySpreadMs, 'ms'],
  ];
  const rows = account.map(([metric, value, unit]) => ({
    case: name,
    subject: 'all',
    metric,
    value,
    unit,
  }));
  const kinds = [...new Set(verdict.effects.map(({ kind }) => kind))].sort();
  const figures: [metric: string, of: (effect: EventEffect) => number][] = [
    ['dropped', (effect) => effect.droppedMs],
    ['dropped on the page', (effect) => effect.droppedOnPageMs],
    ['zeros delivered', (effect) => effect.zerosMs],
    ['of another device', (effect) => effect.foreignMs],
    ['fades and joins', (effect) => effect.otherMs],
    ['paused', (effect) => effect.pausedMs],
    ['the context slept', (effect) => effect.sleptMs],
  ];
  for (const [figure, of] of figures) {
    for (const kind of kinds) {
      const values = verdict.effects.filter((effect) => effect.kind === kind).map(of);
      values.sort((a, b) => a - b);
      const median = values[Math.floor(values.length / 2)]!;
      const maximum = values.at(-1)!;
      // Clocks of two threads differ by as much.
      if (maximum < 50 && figure === 'the context slept') continue;
      if (maximum === 0) continue;
      for (const [metric, value] of [
        [`${figure}, median`, median],
        [`${figure}, maximum`, maximum],
      ] as const) {
        rows.push({
          case: name,
          subject: kind,
          metric,
          value: Math.round(value * 10) / 10,
          unit: 'ms',
        });
      }
    }
  }
  return rows;
}

/** One event in one line. */
export function lineOf(effect: EventEffect): string {
  const { kind, notes, heldMs } = effect;
  const figures: [name: string, ms: number][] = [
    ['dropped', effect.droppedMs],
    ['dropped on the page', effect.droppedOnPageMs],
    ['zeros', effect.zerosMs],
    ['another device', effect.foreignMs],
    ['fades', effect.otherMs],
    ['paused', effect.pausedMs],
    ['slept', effect.sleptMs],
  ];
  const told = figures.filter(([, ms]) => ms > 0.5).map(([name, ms]) => `${name} ${ms.toFixed(0)}`);
  return `${kind} (${heldMs.toFixed(0)} ms; ${notes.join(', ')}): ${told.join(', ')}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
