/**
 * Opus in a real Chromium, in real time: encoding on the audio thread for MICWIRE_LIVE_SECONDS (60) at 24 kb/s, complexity 5
 * and 10; and the engine's own encoder and decoder (WebCodecs) beside ours in a Worker.
 */
import { withLivePage } from './live-page.mjs';

const SECONDS = Number(process.env['MICWIRE_LIVE_SECONDS'] ?? 60);

/** @returns {Promise<import('./measure.ts').Row[]>} */
export function run() {
  return withLivePage({ page: 'bench/opus-live/index.html' }, async (evaluate) => {
    /** @type {import('./measure.ts').Row[]} */
    const rows = [];
    rows.push(...(await evaluate('return codecs();')));
    for (const complexity of [5, 10]) {
      rows.push(...(await evaluate(`return firstFrames(${complexity});`)));
    }
    for (const complexity of [0, 5, 10]) {
      rows.push(...(await evaluate(`return live(${SECONDS}, ${complexity});`)));
    }
    return rows;
  });
}
