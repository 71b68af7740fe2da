/**
 * Our resampler in the form that the quality meters take: blocks of interleaved float32 in, a view of what came out back,
 * overwritten by the next call.
 *
 * @typedef {{
 *   process(block: Float32Array): Float32Array,
 *   processPlanar?(block: readonly Float32Array[]): unknown,
 *   flush?(): Float32Array,
 *   destroy?(): void,
 * }} Stream
 * @typedef {{ name: string, create(from: number, to: number, channels: number): Stream | Promise<Stream> }} Adapter
 */

/** Frames that one call may bring. */
const MAX_BLOCK = 1 << 20;

/**
 * @param {typeof import('../../src/core/resampler/resampler.ts').Resampler} Resampler
 * @returns {Adapter[]}
 */
export function micwireStreams(Resampler) {
  /**
   * @param {string} name
   * @param {Partial<import('../../src/core/resampler/resampler.ts').ResamplerOptions>} options
   * @returns {Adapter}
   */
  const adapter = (name, options) => ({
    name,
    create(from, to, channels) {
      const resampler = new Resampler({ inputRate: from, outputRate: to, channels, ...options });
      return channels === 1 ? monoStream(resampler) : interleavedStream(resampler, channels);
    },
  });
  return [
    adapter('micwire hq', {}),
    adapter('micwire strict hq', { strict: true }),
    adapter('micwire vhq', { quality: 'vhq' }),
    adapter('micwire voice', { quality: 'voice' }),
    adapter('micwire TypeScript hq', { execution: 'typescript' }),
  ];
}

/**
 * @param {import('../../src/core/resampler/resampler.ts').Resampler} resampler
 * @returns {Stream}
 */
function monoStream(resampler) {
  const output = [new Float32Array(resampler.outputFramesMax(8192) + resampler.flushFramesMax)];
  /** @type {Float32Array[]} */
  const input = [];
  /** @type {Float32Array[]} */
  const views = [];
  const first = () => /** @type {Float32Array} */ (output[0]);
  /** @param {number} frames */
  const view = (frames) => (views[frames] ??= first().subarray(0, frames));
  return {
    process(block) {
      input[0] = block;
      if (block.length > 8192) growTo(resampler.outputFramesMax(block.length));
      return view(resampler.process(input, output));
    },
    processPlanar: (block) => resampler.process(block, output),
    flush: () => view(resampler.flush(output)),
  };

  /** @param {number} frames */
  function growTo(frames) {
    if (first().length >= frames) return;
    output[0] = new Float32Array(frames);
    views.length = 0;
  }
}

/**
 * @param {import('../../src/core/resampler/resampler.ts').Resampler} resampler
 * @param {number} channels
 * @returns {Stream}
 */
function interleavedStream(resampler, channels) {
  const size = resampler.outputFramesMax(MAX_BLOCK / 64) + resampler.flushFramesMax;
  const planarOut = Array.from({ length: channels }, () => new Float32Array(size));
  const interleaved = new Float32Array(size * channels);
  /** @type {Float32Array[]} */
  let planarIn = [];
  /** @param {number} frames */
  const interleave = (frames) => {
    for (let c = 0; c < channels; c++) {
      const source = /** @type {Float32Array} */ (planarOut[c]);
      for (let i = 0, at = c; i < frames; i++, at += channels) interleaved[at] = source[i] ?? 0;
    }
    return interleaved.subarray(0, frames * channels);
  };
  return {
    process(block) {
      const frames = block.length / channels;
      if (planarIn[0]?.length !== frames) {
        planarIn = Array.from({ length: channels }, () => new Float32Array(frames));
      }
      for (let c = 0; c < channels; c++) {
        const target = /** @type {Float32Array} */ (planarIn[c]);
        for (let i = 0, at = c; i < frames; i++, at += channels) target[i] = block[at] ?? 0;
      }
      return interleave(resampler.process(planarIn, planarOut));
    },
    processPlanar: (block) => resampler.process(block, planarOut),
    flush: () => interleave(resampler.flush(planarOut)),
  };
}
