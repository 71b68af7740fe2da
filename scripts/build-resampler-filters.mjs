/**
 * Designs the filters of common conversions and writes the tables that hold them, which are committed: pages that convert between
 * the usual rates then load no filter design, and tables save others up to a second of designing. `--check` designs and
 * compares instead; engines may differ in the last bits of a sine, so it compares to −140 dB.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { textOfBytes } from './byte-text.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = `${ROOT}src/core/resampler/`;

/** Hz: what the usual filters convert between. */
export const USUAL_RATES = [48000, 44100, 24000, 16000, 8000];
/** Conversions of other qualities that are slow to design; up-conversions all share one short filter. */
const RARE_PAIRS = /** @type {const} */ ([
  [16000, 48000],
  [48000, 16000],
  [44100, 16000],
  [44100, 24000],
  [48000, 44100],
]);

/** Quality, and whether the stopband starts at the Nyquist frequency. @type {Record<string, { file: string, kinds: [string, boolean][], pairs: readonly (readonly number[])[] }>} */
const TABLES = {
  USUAL_FILTERS: {
    file: 'usual-filter-table.ts',
    kinds: [
      ['voice', false],
      ['hq', false],
    ],
    pairs: USUAL_RATES.flatMap((from) =>
      USUAL_RATES.flatMap((to) => (from === to ? [] : [[from, to]])),
    ),
  },
  RARE_FILTERS: {
    file: 'rare-filter-table.ts',
    kinds: [
      ['hq', true],
      ['vhq', false],
    ],
    pairs: RARE_PAIRS,
  },
};

const design = await load();
for (const [name, { file, kinds, pairs }] of Object.entries(TABLES)) {
  const table = designTable(kinds, pairs, name === 'USUAL_FILTERS');
  const source = `import type { FilterTable } from './stored-filters.ts';

/** Designed by scripts/build-resampler-filters.mjs. */
export const ${name}: FilterTable = {
${Object.entries(table)
  .map(([part, filters]) => `  ${part}: {\n${lines(filters)}  },\n`)
  .join('')}};
`;
  if (!process.argv.includes('--check')) {
    await writeFile(FOLDER + file, source);
    console.log(`${file}: ${source.length} bytes.`);
  } else if (!alike(await readFile(FOLDER + file, 'utf8'), source)) {
    console.error(
      `src/core/resampler/${file} is not what the design gives.\n` +
        'Run: node scripts/build-resampler-filters.mjs',
    );
    process.exitCode = 1;
  }
}

/**
 * Makes the plans of all pairs with filters that are designed, and keeps each filter that they ask for.
 *
 * @param {[string, boolean][]} kinds
 * @param {readonly (readonly number[])[]} pairs
 * @param {boolean} guards
 */
function designTable(kinds, pairs, guards) {
  /** @type {Record<'sharp' | 'guard' | 'short', Record<string, string>>} */
  const table = { sharp: {}, guard: {}, short: {} };
  for (const [quality, strict] of kinds) {
    for (const [from = 0, to = 0] of pairs) {
      /** @type {import('../src/core/resampler/resampler-stages.ts').ResamplerFilters} */
      const filters = {
        lowPass: () => undefined,
        sharp(band) {
          const taps = design.designSharpFilter(quality, strict);
          const sides = design.sidesOf(taps);
          const side = strict ? taps.slice((taps.length - 1) / 2) : sides.odd;
          table.sharp[design.sharpFilterKey(band)] ??= encode(side, quality);
          return sides;
        },
        guard(edge, band) {
          const taps = design.designHalfBand(edge, design.guardAttenuation(quality));
          const sides = design.sidesOf(taps);
          if (guards) table.guard[design.guardFilterKey(edge, band)] ??= encode(sides.odd, quality);
          return sides;
        },
        short(inputRate, sharpRate, band) {
          const specification = design.shortFilterSpecification(inputRate, sharpRate, band);
          const filter = design.designImageFilter(specification);
          const key = design.shortFilterKey(inputRate, sharpRate, band);
          table.short[key] ??= encode([filter.span, ...filter.weights], quality);
          return filter;
        },
      };
      const band = design.bandFor(Math.min(from, to), quality, strict);
      design.planStages(from, to, band, filters);
    }
  }
  return table;
}

/** @param {Record<string, string>} filters */
function lines(filters) {
  return Object.entries(filters)
    .map(([key, text]) => `    '${key}':\n${wrap(text)},\n`)
    .join('');
}

/** The design's sources, which Node 20 cannot run as they are. */
async function load() {
  const entry = [
    'image-filter-design',
    'resampler-filter-design',
    'resampler-specification',
    'resampler-stages',
    'stored-filters',
  ]
    .map((name) => `export * from ${JSON.stringify(`${FOLDER}${name}.ts`)};`)
    .concat(`export * from ${JSON.stringify(`${ROOT}src/core/dsp/byte-text.ts`)};`)
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
 * @param {ArrayLike<number>} values
 * @param {string} quality
 */
function encode(values, quality) {
  const numbers = quality === 'vhq' ? Float64Array.from(values) : Float32Array.from(values);
  return textOfBytes(new Uint8Array(numbers.buffer));
}

/** @param {string} text */
function wrap(text) {
  const parts = text.match(/.{1,88}/g) ?? [];
  return parts.map((part) => `      '${part}'`).join(' +\n');
}

/**
 * Whether two sources hold the same keys and, to −140 dB, the same numbers.
 *
 * @param {string} a
 * @param {string} b
 */
function alike(a, b) {
  if (a === b) return true;
  const [x = [], y = []] = [a, b].map((source) =>
    [...source.replaceAll(/'\s*\+\s*'/g, '').matchAll(/'([^']*)':\s*'([^']*)'/g)].map(
      ([, key = '', text = '']) => ({ key, text }),
    ),
  );
  return (
    x.length === y.length &&
    x.every(({ key, text }, i) => key === y[i]?.key && sameNumbers(key, text, y[i].text))
  );
}

/**
 * @param {string} key
 * @param {string} a
 * @param {string} b
 */
function sameNumbers(key, a, b) {
  const Type = key.startsWith('vhq') ? Float64Array : Float32Array;
  const [x, y] = [a, b].map((text) => new Type(design.bytesOfText(text).buffer));
  return (
    x?.length === y?.length && x?.every((value, i) => Math.abs(value - (y?.[i] ?? NaN)) < 1e-7)
  );
}
