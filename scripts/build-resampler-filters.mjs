/**
 * Designs the filters of common conversions and writes them to src/core/resampler/resampler-filter-table.ts, which is committed:
 * designing takes a page tens of milliseconds, reading the table none. Other filters are designed when they are first asked
 * for. `--check` designs and compares instead; engines may differ in the last bits of a sine, so it compares to −140 dB.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TARGET = `${ROOT}src/core/resampler/resampler-filter-table.ts`;

/** Quality and whether the stopband starts at the Nyquist frequency. */
const KINDS = /** @type {const} */ ([
  ['voice', false],
  ['hq', false],
  ['hq', true],
  ['vhq', false],
]);
/** Input rates (after halving) and output rates; up-conversions all share one short filter. */
const PAIRS = /** @type {const} */ ([
  [16000, 48000],
  [48000, 16000],
  [44100, 16000],
  [44100, 24000],
  [48000, 44100],
]);

/** A stored filter in the table's text. */
const NUMBERS = /'[A-Za-z0-9+/=]{24,}'/g;

const design = await load();
const sharp = KINDS.map(([quality, strict]) => {
  const taps = design.designSharpFilter(quality, strict);
  return /** @type {const} */ ([
    `${quality}:${strict}`,
    encode(taps.slice((taps.length - 1) / 2), quality),
  ]);
});
const short = KINDS.flatMap(([quality, strict]) =>
  PAIRS.map(([from, to]) => {
    const band = design.bandFor(Math.min(from, to), quality, strict);
    const sharpRate = 2 * Math.min(from, to);
    const inputRate = to > from ? sharpRate : from;
    const { weights, span } =
      /** @type {import('../src/core/resampler/image-filter-design.ts').ImageFilter} */ (
        design.designImageFilter(design.shortFilterSpecification(inputRate, sharpRate, band))
      );
    const key = design.shortFilterKey(quality, strict, sharpRate / inputRate);
    return /** @type {const} */ ([key, span, encode(weights, quality)]);
  }),
);
const source = `/** Designed by scripts/build-resampler-filters.mjs. Little-endian numbers in Base64: float64 for 'vhq', else float32. */

/** From the centre to one end, by quality and strictness. */
export const SHARP_FILTERS: Readonly<Record<string, string>> = {
${sharp.map(([key, text]) => `  '${key}':\n${wrap(text)},`).join('\n')}
};

/** Weights of the image filter's basis, by quality, strictness and the rate of the images. */
export const SHORT_FILTERS: Readonly<
  Record<string, { readonly span: number; readonly weights: string }>
> = {
${short.map(([key, span, text]) => `  '${key}': {\n    span: ${span},\n    weights:\n${wrap(text)},\n  },`).join('\n')}
};
`;

if (process.argv.includes('--check')) {
  if (!alike(await readFile(TARGET, 'utf8'), source)) {
    console.error(
      'src/core/resampler/resampler-filter-table.ts is not what the design gives.\n' +
        'Run: node scripts/build-resampler-filters.mjs',
    );
    process.exitCode = 1;
  }
} else {
  await writeFile(TARGET, source);
  console.log(`${sharp.length} sharp filters and ${short.length} short ones.`);
}

/** The design's sources, which Node 20 cannot run as they are. */
async function load() {
  const entry = ['image-filter-design', 'resampler-filter-design', 'resampler-stage-design']
    .map((name) => `export * from ${JSON.stringify(`${ROOT}src/core/resampler/${name}.ts`)};`)
    .join('\n');
  const build = await rolldown({
    input: 'entry',
    platform: 'neutral',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === 'entry' ? '\0entry' : undefined),
        load: (id) => (id === '\0entry' ? entry : undefined),
      },
    ],
  });
  const { output } = await build.generate({ format: 'esm' });
  await build.close();
  const code = Buffer.from(output[0].code).toString('base64');
  return import(`data:text/javascript;base64,${code}`);
}

/**
 * @param {Float64Array} values
 * @param {string} quality
 */
function encode(values, quality) {
  const numbers = quality === 'vhq' ? values : Float32Array.from(values);
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString('base64');
}

/** @param {string} text */
function wrap(text) {
  const lines = text.match(/.{1,90}/g) ?? [];
  return lines.map((line) => `    '${line}'`).join(' +\n');
}

/**
 * Whether two sources hold the same keys and, to −140 dB, the same numbers.
 *
 * @param {string} a
 * @param {string} b
 */
function alike(a, b) {
  const texts = [a, b].map((text) => text.replaceAll(/'\s*\+\s*'/g, '').replaceAll(/\s+/g, ' '));
  const frames = texts.map((text) => text.replaceAll(NUMBERS, ''));
  if (frames[0] !== frames[1]) return false;
  const [x = [], y = []] = texts.map((text) => text.match(NUMBERS) ?? []);
  return x.every((text, i) => sameNumbers(text, y[i] ?? ''));
}

/**
 * @param {string} a
 * @param {string} b
 */
function sameNumbers(a, b) {
  const [x, y] = [a, b].map((text) => new Uint8Array(Buffer.from(text.slice(1, -1), 'base64')));
  if (!x || !y || x.length !== y.length) return false;
  // Whichever width the numbers have, read in it they are all below 2.
  for (const Type of [Float32Array, Float64Array]) {
    if (x.length % Type.BYTES_PER_ELEMENT > 0) continue;
    const [values, others] = [new Type(x.buffer), new Type(y.buffer)];
    if (values.every((value, i) => Math.abs(value - (others[i] ?? NaN)) < 1e-7)) return true;
  }
  return false;
}
