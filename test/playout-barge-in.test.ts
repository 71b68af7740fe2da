import { expect, it } from 'vitest';
import { MicwireError } from '../src/core/errors.ts';
import type { PlayoutCommand } from '../src/core/messages.ts';
import { BargeIn } from '../src/core/playout/barge-in.ts';
import type { PlayoutInterruption } from '../src/core/playout/playout-position.ts';
import { bargeIn, runsOf } from './helpers/barge-in.ts';
import { expectBargeIn } from './helpers/expect-barge-in.ts';
import { PlayoutPage } from './helpers/playout-page.ts';
import { seededRandom } from './helpers/random.ts';

it.each([
  [24_000, 24_000],
  [24_000, 48_000],
  [16_000, 44_100],
  [48_000, 16_000],
])(
  'the positions reported to an agent that is faster than real time match the recording: %i → %i Hz',
  async (sampleRate, contextRate) => {
    let interruptions = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const page = await PlayoutPage.open({ sampleRate, format: 'f32' }, contextRate);
      const recording = new Float32Array(30 * contextRate);
      let recorded = 0;
      const result = await bargeIn({
        playout: page.playout,
        random: seededRandom(seed),
        seconds: 9.5,
        advance: (seconds) => {
          const piece = page.render(seconds * contextRate);
          recording.set(piece, recorded);
          recorded += piece.length;
          return Promise.resolve();
        },
      });
      page.close();
      const runs = runsOf(
        recording.subarray(0, recorded),
        contextRate,
        sampleRate,
        page.scope.quantum,
      );
      try {
        expectBargeIn(result, runs, 0, contextRate, sampleRate);
      } catch (cause) {
        throw new Error(`Seed ${seed}.`, { cause });
      }
      interruptions += result.told.filter(({ what }) => what === 'interrupted').length;
    }
    expect(interruptions).toBeGreaterThan(40);
  },
);

/** An interrupt or undo with a clock of its own: `pass` lets so many ms pass. */
function bargeInRig() {
  const sent: string[] = [];
  let now = 0;
  const timers = new Set<{ at: number; run: () => void }>();
  const bargeIn = new BargeIn(
    (command: PlayoutCommand) => sent.push(command.type),
    (ms, run) => {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
  );
  const pass = (ms: number) => {
    for (const end = now + ms; now < end;) {
      now++;
      for (const timer of timers) if (timer.at <= now && timers.delete(timer)) timer.run();
    }
  };
  const failures: unknown[] = [];
  const note = (error: unknown) => failures.push(error);
  return { bargeIn, sent, pass, failures, note };
}

const PLACE = { item: 'a', frames: 5 } as PlayoutInterruption;
const stalled = expect.objectContaining({ name: 'MicwireError', code: 'stalled' });

it('an interrupt is cut short if nothing renders, and given up if nothing answers', async () => {
  const { bargeIn, sent, pass, failures, note } = bargeInRig();
  bargeIn.hasten();
  expect([sent, bargeIn.interruption, bargeIn.undoable]).toEqual([[], null, null]);
  const first = bargeIn.interrupt(240, 5);
  first.catch(note);
  expect(bargeIn.interruption).toBe(first);
  expect(bargeIn.undoable).toBe(first);
  // The fade, a second, and time for an answer that waits.
  pass(1104);
  expect(sent).toEqual(['interrupt']);
  pass(1);
  expect(sent).toEqual(['interrupt', 'cut']);
  pass(5099);
  expect(bargeIn.interruption).toBe(first);
  pass(1);
  expect([bargeIn.interruption, bargeIn.undoable]).toEqual([null, null]);
  await Promise.resolve();
  expect(failures).toEqual([stalled]);
  // The answer comes after all: there is something to undo.
  bargeIn.interrupted(PLACE, 100);
  expect(bargeIn.interruption).toBeNull();
  await expect(bargeIn.undoable).resolves.toBe(PLACE);
  pass(20_000);
  expect(sent).toEqual(['interrupt', 'cut']);
});

it('an answered interrupt sends nothing more, and one undo serves all callers', async () => {
  const { bargeIn, sent, pass, failures, note } = bargeInRig();
  const interruption = bargeIn.interrupt(240, 5);
  bargeIn.interrupted(PLACE, 100);
  await expect(interruption).resolves.toBe(PLACE);
  expect(bargeIn.interruption).toBeNull();
  pass(20_000);
  expect(sent).toEqual(['interrupt']);
  const reserved: number[] = [];
  const undo = () => bargeIn.undo((frames) => reserved.push(frames));
  const undone = undo();
  expect(undo()).toBe(undone);
  expect(bargeIn.undoing).toBe(undone);
  expect([sent, reserved]).toEqual([['interrupt', 'undo'], [100]]);
  bargeIn.undone(false);
  await expect(undone).resolves.toBe(false);
  expect(bargeIn.undoing).toBeNull();
  expect(bargeIn.undoable).toBe(interruption);
  const late = undo();
  late.catch(note);
  pass(5099);
  expect(bargeIn.undoing).toBe(late);
  pass(1);
  expect(bargeIn.undoing).toBeNull();
  await Promise.resolve();
  expect(failures).toEqual([stalled]);
  const last = undo();
  bargeIn.undone(true);
  await expect(last).resolves.toBe(true);
  expect(bargeIn.undoable).toBeNull();
});

it('pending interrupts and undos are rejected at the end, and no timer is left', async () => {
  const { bargeIn, sent, pass, failures, note } = bargeInRig();
  bargeIn.interrupt(240, 5).catch(note);
  bargeIn.undo(() => {}).catch(note);
  const closed = new MicwireError('closed', 'The playout is closed.');
  bargeIn.close(closed);
  await Promise.resolve();
  expect(failures).toEqual([closed, closed]);
  pass(20_000);
  expect(sent).toEqual(['interrupt', 'undo']);
});
