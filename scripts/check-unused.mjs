import { execFile } from 'node:child_process';
import { ROOT, toolFile } from './run.mjs';

/**
 * What is exported though no source imports it, with the reason why tests or scripts need it all the same.
 *
 * @type {Readonly<Record<string, string>>}
 */
const ALLOWED = {
  'bench/measure.ts lastResult':
    'no engine may leave out a computation whose result can be asked for',
  'src/core/codec/opus-library.ts OPUS_EXPORTS': 'a test compares it with what the module exports',
  'src/core/session/protocol.ts MAX_REASON_BYTES': 'a test writes a reason of that length',
  'src/core/metering/meter-table.ts METER_FIELDS': 'tests run over the table',
  'src/core/playout/source.ts GapList': 'its bound shows only where it is fed directly',
  'src/core/resampler/resampler-filter-design.ts designHalfBand':
    'scripts/build-resampler-filters.mjs designs the tables; a test compares',
  'src/core/resampler/resampler-filter-design.ts designLowPass':
    'a test holds its filters to their specification',
  'src/core/resampler/resampler-filter-design.ts designSharpFilter':
    'scripts/build-resampler-filters.mjs designs the tables; a test compares',
  'src/core/resampler/resampler-filter-design.ts shortFilterSpecification':
    'scripts/build-resampler-filters.mjs designs the tables; a test compares',
  'src/core/resampler/resampler-filter-design.ts sidesOf':
    'scripts/build-resampler-filters.mjs designs the tables; a test compares',
  'src/core/resampler/resampler-filter-design.ts kaiserSpan':
    'a test holds the fitted filters to less than this',
  'src/core/resampler/resampler-filter-design.ts kaiserKernel':
    'only few pairs of rates take it: a test measures it alone',
  'src/core/resampler/resampler-stages.ts interpolateBank': 'a test measures its cubics alone',
  'src/core/resampler/stored-filters.ts guardFilterKey':
    'scripts/build-resampler-filters.mjs writes the tables by it',
  'src/core/resampler/stored-filters.ts shortFilterKey':
    'scripts/build-resampler-filters.mjs writes the tables by it',
  'src/core/rtp/rtcp.ts ntpToMs': 'a test reads the times of reports back',
  'src/core/rtp/stream-continuity.ts STRAY': 'a test reads the verdict of each packet',
  'src/core/playout/playout-data.ts isArrayBuffer': 'a test tries values of other realms',
  'src/web/webrtc/dump.ts importerDump': 'a test gives it figures that no engine need make',
  'src/worker/web-codecs-opus.ts webCodecsConfig': 'a benchmark encodes as the Worker does',
};

/**
 * Finds what nothing uses: files and exports of the sources that only tests need, and of everything else those that nobody
 * needs. An entry of the list above that is not needed any more is an error too.
 *
 * @returns {Promise<boolean>}
 */
export async function checkUnused() {
  const shipped = new Set(await unused(['--production']));
  const anywhere = await unused([]);
  const found = new Set([...shipped, ...anywhere]);
  const wrong = [...found].filter((name) => !(name in ALLOWED));
  for (const name of wrong) {
    const [file, exported] = name.split(' ');
    console.error(
      exported === undefined
        ? `${file} is used by nothing: delete it, or name it as an entry in knip.json.`
        : `${file} exports ${exported}, which ${shipped.has(name) ? 'no source uses' : 'nothing uses'}.`,
    );
  }
  const stale = Object.keys(ALLOWED).filter((name) => !found.has(name));
  for (const name of stale) {
    console.error(`scripts/check-unused.mjs allows ${name}, which is used or gone.`);
  }
  return wrong.length === 0 && stale.length === 0;
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<string[]>} "FILE" or "FILE EXPORT"
 */
async function unused(args) {
  const options = ['--include', 'files,exports,types', '--reporter', 'json', '--no-exit-code'];
  /** @type {string} */
  const text = await new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [toolFile('knip', 'knip'), ...options, ...args],
      { cwd: ROOT, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) =>
        error ? reject(new Error(stderr || error.message)) : resolve(stdout),
    );
  });
  /** @type {{ issues: { file: string, files?: unknown[], exports?: Named[], types?: Named[] }[] }} */
  const { issues } = JSON.parse(text);
  return issues.flatMap(({ file, files = [], exports = [], types = [] }) => [
    ...files.map(() => file),
    ...[...exports, ...types].map(({ name }) => `${file} ${name}`),
  ]);
}

/** @typedef {{ name: string }} Named */
