/**
 * A microphone whose devices are unplugged, plugged in, muted and switched by the system, while the page is blocked, hidden and
 * frozen; each device carries a signal whose every frame has a number. Says whether every frame is accounted for, and how
 * long audio was missing after each kind of event. `--minutes 10 --events 50 --engine chromium --seed 1`; with
 * an even seed the page opens the system's default device.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { drive } from './devices-live/drive.ts';
import { lineOf, rowsOf } from './devices-live/rows.ts';
import { scheduleOf } from './devices-live/schedule.ts';
import { judge } from './devices-live/verdict.ts';
import { withLivePage } from './live-page.mjs';

/**
 * @param {Readonly<Record<string, string | undefined>>} options
 * @returns {Promise<import('./measure.ts').Row[]>}
 */
export async function run({ minutes = '10', events = '50', engine = 'chromium', seed = '1' }) {
  const path = join(process.cwd(), 'test/engines/sound-server.mjs');
  /** @type {typeof import('../test/engines/sound-server.mjs')} */
  const { missingForSoundServer, startSoundServer } = await import(pathToFileURL(path).href);
  const missing = missingForSoundServer();
  if (missing !== undefined) throw new Error(missing);
  if (engine !== 'chromium' && engine !== 'firefox') {
    throw new Error(
      `--engine must be chromium or firefox, got ${engine}. WebKitGTK has mock devices only: nothing can be unplugged.`,
    );
  }
  const sound = await startSoundServer();
  try {
    const page = 'bench/devices-live/index.html';
    return await withLivePage({ page, sound, engine }, async (_evaluate, browser) => {
      const schedule = scheduleOf({
        seed: Number(seed),
        events: Number(events),
        minutes: Number(minutes),
        withPage: browser.life !== undefined,
      });
      const done = await drive(sound, browser, schedule, {
        device: Number(seed) % 2 === 1 ? 'first' : 'default',
        say: (line) => console.log(line),
      });
      const verdict = judge(done);
      for (const effect of verdict.effects) console.log(lineOf(effect));
      for (const fault of verdict.faults) console.log(`FAULT ${fault}`);
      if (verdict.jumps.length > 0) console.log(`jumps: ${verdict.jumps.join(' ')}`);
      return rowsOf(verdict, `${browser.version}, ${minutes} min, ${events} events, seed ${seed}`);
    });
  } finally {
    sound.stop();
  }
}
