/**
 * A page in a real browser that holds a session with a real server of micwire.1, which is killed and started again, over the
 * lab's modelled link with 5 % loss and one outage; and sessions with fake services that acknowledge nothing, through the same
 * trouble. Each frame of the audio has a number of its own: says which frames arrived once, twice or not at all.
 * `--seconds 300 --engines chromium,firefox --seed 1`: 20 kills and an outage of 30 s.
 */
import { withLivePage } from './live-page.mjs';
import { drive } from './session-live/drive.ts';
import { planOf } from './session-live/schedule.ts';
import { judge } from './session-live/verdict.ts';

/**
 * @param {Readonly<Record<string, string | undefined>>} options
 * @returns {Promise<import('./measure.ts').Row[]>}
 */
export async function run({ seconds = '300', engines = 'chromium', seed = '1' }) {
  /** @type {import('./measure.ts').Row[]} */
  const rows = [];
  let faults = 0;
  for (const engine of engines.split(',')) {
    if (engine !== 'chromium' && engine !== 'firefox') {
      throw new Error(`--engines must be chromium, firefox or both with a comma, got ${engines}.`);
    }
    const plan = planOf(Number(seed), Number(seconds));
    const page = 'bench/session-live/index.html';
    await withLivePage({ page, engine }, async (evaluate, browser) => {
      const result = await drive(plan, evaluate, (line) => console.log(line));
      const verdict = judge(plan, result, `${engine} ${browser.version}`);
      for (const fault of verdict.faults) console.log(`FAULT ${fault}`);
      for (const [name, { states, errors }] of Object.entries(result.reports)) {
        const from = states[0]?.atMs ?? 0;
        const steps = states.map(
          ({ state, atMs }) => `${((atMs - from) / 1000).toFixed(1)} ${state}`,
        );
        console.log(`${name}: ${steps.join(', ')}`);
        for (const error of new Set(errors)) console.log(`${name}: ${error}`);
      }
      for (const line of verdict.losses) console.log(line);
      faults += verdict.faults.length;
      rows.push(...verdict.rows);
    });
  }
  if (faults > 0) process.exitCode = 1;
  return rows;
}
