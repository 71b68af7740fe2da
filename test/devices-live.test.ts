import { beforeAll, describe, expect, it } from 'vitest';
import { drive } from '../bench/devices-live/drive.ts';
import { scheduleOf } from '../bench/devices-live/schedule.ts';
import type { EventKind } from '../bench/devices-live/schedule.ts';
import { judge } from '../bench/devices-live/verdict.ts';
import type { EventEffect, Verdict } from '../bench/devices-live/verdict.ts';
import { withLivePage } from '../bench/live-page.mjs';
import { missingForSoundServer, startSoundServer } from './engines/sound-server.mjs';

/*
 * The short form of `npm run bench -- devices-live`: devices of a real sound server come and go under a microphone, and every
 * frame must be accounted for.
 */

const KINDS: readonly EventKind[] = [
  'device in use unplugged, and plugged in again',
  'source muted by the system',
  'use(another device)',
  "mute({ keep: 'light' })",
  "mute({ keep: 'time' })",
  'release() and hold()',
  'page’s thread blocked',
];
/** Chromium only: Firefox has no protocol for it. */
const OF_PAGES: readonly EventKind[] = ['page hidden', 'page frozen'];
const SECONDS_OF_AN_EVENT = 1.8;

const missing = missingForSoundServer();
if (missing !== undefined) console.warn(`Real devices are not tested: ${missing}`);

describe.each(['chromium', 'firefox'] as const)('a microphone in %s', (engine) => {
  let verdict: Verdict;
  beforeAll(async () => {
    if (missing === undefined) verdict = await run(engine);
  }, 120_000);
  const effect = (kind: EventKind): EventEffect =>
    verdict.effects.find((event) => event.kind === kind)!;

  it.skipIf(missing !== undefined)(
    'accounts for every frame while its devices are unplugged, muted and switched',
    () => {
      expect(verdict.faults).toEqual([]);
      expect(verdict.unaccountedFrames).toBe(0);
      const { rightFrames, zeroFrames, otherFrames, foreignFrames } = verdict;
      expect(rightFrames + zeroFrames + otherFrames + foreignFrames).toBe(verdict.deliveredFrames);
      expect(verdict.capturedFrames).toBe(verdict.deliveredFrames + verdict.droppedFrames);
    },
  );

  it.skipIf(missing !== undefined)('drops missing audio, and numbers silence', () => {
    const light = effect("mute({ keep: 'light' })");
    expect(light.droppedMs).toBeGreaterThan(light.heldMs / 2);
    expect(effect("mute({ keep: 'time' })").zerosMs).toBeGreaterThan(0);
    expect(effect('source muted by the system').zerosMs).toBeGreaterThan(0);
    expect(effect('release() and hold()').pausedMs).toBeGreaterThan(0);
    // An engine on a busy machine leaves out some quanta.
    for (const kind of [
      "mute({ keep: 'time' })",
      'release() and hold()',
      'page’s thread blocked',
    ] as const) {
      expect(effect(kind).droppedMs).toBeLessThan(effect(kind).heldMs / 4);
    }
  });

  it.skipIf(missing !== undefined)('delivers mostly audio of the device in use', () => {
    expect(verdict.rightFrames).toBeGreaterThan(verdict.capturedFrames / 2);
    expect(verdict.otherFrames).toBeLessThan(verdict.capturedFrames / 100);
  });
});

async function run(engine: 'chromium' | 'firefox'): Promise<Verdict> {
  const sound = await startSoundServer();
  try {
    const page = 'bench/devices-live/index.html';
    return await withLivePage({ page, sound, engine }, async (_evaluate, browser) => {
      const kinds = browser.life === undefined ? KINDS : [...KINDS, ...OF_PAGES];
      const schedule = scheduleOf({
        seed: 12,
        events: kinds.length,
        minutes: (kinds.length * SECONDS_OF_AN_EVENT) / 60,
        withPage: browser.life !== undefined,
        kinds,
      });
      return judge(await drive(sound, browser, schedule, { device: 'first' }));
    });
  } finally {
    sound.stop();
  }
}
