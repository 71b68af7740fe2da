/**
 * Captures a microphone for MICWIRE_SOAK_SECONDS (600) in Chromium, from a 44.1 kHz context to 16 kHz s16 chunks of 20 ms,
 * with the page's thread under load, four ways at once; and says what became of every frame.
 */
import { withLivePage } from './live-page.mjs';

const SECONDS = Number(process.env['MICWIRE_SOAK_SECONDS'] ?? 600);

/** @returns {Promise<import('./measure.ts').Row[]>} */
export function run() {
  const page = 'bench/capture-soak/index.html';
  return withLivePage({ page, microphone: 'test/fixtures/speech.wav' }, async (evaluate) =>
    rowsOf(await evaluate(`return soak(${SECONDS});`)),
  );
}

/**
 * @param {import('./capture-soak/page.ts').Soak} soak
 * @returns {import('./measure.ts').Row[]}
 */
function rowsOf(soak) {
  const name = `${soak.seconds.toFixed(0)} s (${soak.contextSeconds.toFixed(1)} s of the context), ${soak.contextRate} Hz → 16 kHz s16, page ${(soak.load * 100).toFixed(0)} % busy, blocked for up to ${soak.longestBlockMs.toFixed(0)} ms`;
  return Object.entries(soak.accounts).flatMap(([subject, account]) => {
    const { capturedFrames, deliveredFrames, droppedFrames, queuedFrames } = account.stats;
    const accounted = deliveredFrames + droppedFrames + queuedFrames;
    /** @type {[string, number, string][]} */
    const figures = [
      ['captured', capturedFrames, 'frames'],
      ['delivered', deliveredFrames, 'frames'],
      ['dropped', droppedFrames, 'frames'],
      ['unaccounted for', capturedFrames - accounted, 'frames'],
      ['chunks', account.chunks, 'chunks'],
      ['chunks out of place', account.faults, 'chunks'],
      ['worst error of contextTime', account.clockErrorUs, 'µs'],
    ];
    return figures.map(([metric, value, unit]) => ({ case: name, subject, metric, value, unit }));
  });
}
