/** The samples of PCM at 16 kHz, of Opus at 48 kHz: 20 ms. */
const FRAMES = { pcm: 320, opus: 960 };
const BYTES_PER_SAMPLE = 2;
/** Opus at 32 kbit/s has 80 bytes a packet on average; the microphone's file is not silent for long. */
const LEAST_PACKET_BYTES = 1;

/**
 * @param {any} result - what `test/fixtures/embed/app/pcm.js` made
 * @param {import('./setups.mjs').EmbedSetup['worklet']} worklet
 * @returns {string} what is wrong, or nothing
 */
export function judge(result, worklet) {
  return (
    judgeChunks(result, FRAMES.pcm, (bytes) => bytes === FRAMES.pcm * BYTES_PER_SAMPLE) ||
    judgeWorklet(result, worklet)
  );
}

/**
 * @param {any} result - what `test/fixtures/embed/app/opus.js` made
 * @param {import('./setups.mjs').EmbedSetup['worklet']} worklet
 * @param {string} route - where it was to be encoded
 * @returns {string}
 */
export function judgeOpus(result, worklet, route) {
  const fault =
    judgeChunks(result, FRAMES.opus, (bytes) => bytes >= LEAST_PACKET_BYTES) ||
    (result.tried ? judgeWorklet(result, worklet) : '') ||
    (result.encodedIn === route ? '' : `encoded in ${result.encodedIn}`);
  return fault && `Opus in ${route}: ${fault}`;
}

/**
 * @param {any} result
 * @param {number} frames
 * @param {(bytes: number) => boolean} fits
 */
function judgeChunks(result, frames, fits) {
  if (result.error !== undefined) return result.error;
  let frame = 0;
  for (const [index, chunk] of result.chunks.entries()) {
    const right =
      chunk.sequence === index &&
      chunk.frame === frame &&
      chunk.frames === frames &&
      chunk.dropped === 0 &&
      fits(chunk.bytes);
    if (!right) return `chunk ${index} is wrong: ${JSON.stringify(chunk)}`;
    frame += chunk.frames;
  }
  return result.peak === 0 ? 'only silence arrived' : '';
}

/**
 * @param {any} result
 * @param {import('./setups.mjs').EmbedSetup['worklet']} worklet
 */
function judgeWorklet({ tried }, worklet) {
  const { protocol } = tried.at(-1);
  const way = /^https?:$/.test(protocol) ? 'file' : protocol;
  return way === worklet ? '' : `the worklet came by ${protocol}, expected ${worklet}`;
}
