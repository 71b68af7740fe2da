/**
 * Measures what the resampler lets through from 48 to 16 kHz, tone by tone, and draws it: docs/resampler-response.svg over the
 * whole input band, docs/resampler-passband.svg around the Nyquist frequency of the output.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import adapters from '../bench/adapters/micwire-resampler.mjs';

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url));
const FROM = 48_000;
const TO = 16_000;
const FRAMES = 24_000;

/** Okabe and Ito's colours, which colour-blind eyes tell apart. */
const CURVES = /** @type {const} */ ([
  ['micwire voice', '#E69F00'],
  ['micwire hq', '#0072B2'],
  ['micwire strict hq', '#009E73'],
  ['micwire vhq', '#D55E00'],
]);

/**
 * Level of the whole output against the input's, in dB, for a tone of `hertz`.
 *
 * @param {import('../bench/adapters/micwire-streams.mjs').Adapter} adapter
 * @param {number} hertz
 */
async function levelAt(adapter, hertz) {
  const stream = await adapter.create(FROM, TO, 1);
  const input = Float32Array.from({ length: FRAMES }, (_, i) =>
    Math.cos((2 * Math.PI * hertz * i) / FROM),
  );
  const output = stream.process(input);
  const edge = output.length >> 2;
  let square = 0;
  for (let i = edge; i < output.length - edge; i++) square += (output[i] ?? 0) ** 2;
  return 10 * Math.log10((2 * square) / (output.length - 2 * edge) + 1e-20);
}

/**
 * @param {string} file
 * @param {{ title: string, hertz: [number, number], decibels: [number, number], step: [number, number], points: number }} view
 */
async function draw(file, { title, hertz, decibels, step, points }) {
  const [width, height, left, right, top, bottom] = [860, 420, 64, 16, 40, 48];
  /** @param {number} value */
  const x = (value) => left + ((value - hertz[0]) / (hertz[1] - hertz[0])) * (width - left - right);
  /** @param {number} value */
  const y = (value) =>
    top + ((decibels[1] - value) / (decibels[1] - decibels[0])) * (height - top - bottom);
  const parts = [];
  for (let at = hertz[0]; at <= hertz[1]; at += step[0]) {
    parts.push(
      `<line x1="${x(at).toFixed(1)}" y1="${top}" x2="${x(at).toFixed(1)}" y2="${height - bottom}" class="grid"/>`,
      `<text x="${x(at).toFixed(1)}" y="${height - bottom + 18}" text-anchor="middle">${at / 1000}</text>`,
    );
  }
  for (let at = decibels[0]; at <= decibels[1] + 1e-9; at += step[1]) {
    parts.push(
      `<line x1="${left}" y1="${y(at).toFixed(1)}" x2="${width - right}" y2="${y(at).toFixed(1)}" class="grid"/>`,
      `<text x="${left - 8}" y="${(y(at) + 4).toFixed(1)}" text-anchor="end">${+at.toFixed(2)}</text>`,
    );
  }
  let legend = left + 8;
  for (const [name, colour] of CURVES) {
    const adapter = adapters.find((each) => each.name === name);
    if (!adapter) throw new Error(`There is no adapter '${name}'.`);
    const line = [];
    for (let i = 0; i <= points; i++) {
      const frequency = hertz[0] + ((hertz[1] - hertz[0]) * i) / points;
      const level = await levelAt(adapter, Math.max(50, Math.min(frequency, FROM / 2 - 50)));
      const shown = Math.max(decibels[0], Math.min(decibels[1], level));
      line.push(`${x(frequency).toFixed(1)},${y(shown).toFixed(1)}`);
    }
    const label = name.replace('micwire ', '');
    parts.push(
      `<polyline points="${line.join(' ')}" fill="none" stroke="${colour}" stroke-width="1.6"/>`,
      `<line x1="${legend}" y1="24" x2="${legend + 22}" y2="24" stroke="${colour}" stroke-width="3"/>`,
      `<text x="${legend + 28}" y="28">${label}</text>`,
    );
    legend += 52 + 8 * label.length;
  }
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<title>${title}</title>
<style>svg{background:#fff}text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}</style>
${parts.join('\n')}
<text x="${(left + width - right) / 2}" y="${height - 10}" text-anchor="middle">tone at the input, kHz</text>
<text x="16" y="${height / 2}" transform="rotate(-90 16 ${height / 2})" text-anchor="middle">level at the output, dB</text>
</svg>
`;
  await writeFile(`${DOCS}${file}`, svg);
}

await draw('resampler-response.svg', {
  title: 'What comes out of 48 to 16 kHz, over the whole input band',
  hertz: [0, 24_000],
  decibels: [-180, 20],
  step: [2000, 20],
  points: 360,
});
await draw('resampler-passband.svg', {
  title: 'What comes out of 48 to 16 kHz, at the end of the passband',
  hertz: [7000, 8200],
  decibels: [-3, 0.5],
  step: [200, 0.5],
  points: 240,
});
