import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { apiReference, describedReport } from './api-reference.mjs';
import { readableTypes } from './portable-types.mjs';
import { ROOT } from './run.mjs';

const PURE = ['es2023'];

/**
 * Every entry point but `micwire/worklets/*`: its declarations, and the library of its scope. The worker's scope has no DOM.
 *
 * @type {Record<string, { readonly types: string, readonly lib: string[], readonly scope?: string[] }>}
 */
const ENTRIES = {
  web: { types: 'web', lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'] },
  codec: { types: 'core/codec', lib: PURE },
  metering: { types: 'core/metering', lib: PURE },
  receive: { types: 'core/receive', lib: PURE },
  resampler: { types: 'core/resampler', lib: PURE },
  rtp: { types: 'core/rtp', lib: PURE },
  sdp: { types: 'core/webrtc', lib: PURE },
  'sip-ladder': { types: 'core/sip', lib: PURE },
  sip: { types: 'web/sip', lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'] },
  nat: { types: 'core/webrtc/nat', lib: PURE },
  stun: { types: 'core/webrtc/stun', lib: PURE },
  services: { types: 'core/services', lib: PURE },
  'session-server': { types: 'core/session/server', lib: PURE },
  node: { types: 'node', lib: PURE, scope: ['node'] },
  elements: { types: 'elements', lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'] },
  worker: { types: 'worker', lib: ['es2023', 'webworker'] },
  testing: { types: 'testing', lib: PURE },
  'testing-fakes': {
    types: 'testing/fakes',
    lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
  },
};

/** Every file of it is an entry of its own, and the report is of all of them together: the types that they share are of the page's entry. */
const OF_MANY = 'services';

/** A room of the core has so many names at most, so that a reader takes it in at a glance. */
const MAX_NAMES = 60;

/** Declarations that an exported type is derived from, and that readers do not need: `PayloadFormat` is the keys of `ROWS`. */
const DERIVED_FROM = /^(ROWS|(\w+_)?ENCODINGS(_\d+)?)$/;

/** How a report marks an export that has no doc comment. */
const UNDOCUMENTED = /^\/\/ @public \(undocumented\)\n(export .*)$/gm;

/**
 * Compares the built declarations of every entry point with its report and its reference in docs/api, so that a review sees
 * each change of the public surface; finds exports without a doc comment, and types that exports name but no entry exports.
 *
 * @param {{ readonly update: boolean }} options - write the reports instead
 * @returns {boolean} whether all agree
 */
export function checkApiReports({ update }) {
  const folder = join(ROOT, 'docs/api');
  const temporary = join(folder, 'temp');
  mkdirSync(temporary, { recursive: true });
  const together = writeServices();
  try {
    const files = Object.entries(ENTRIES).map(([name, entry]) => extract(name, entry, temporary));
    const good = files.map((made) => made !== undefined && made.good).every(Boolean);
    const exported = new Set(files.flatMap((made) => made?.names ?? []));
    const leaks = files.flatMap((made) => made?.forgotten ?? []);
    const leaked = [...new Set(leaks)].filter(
      (name) => !exported.has(name) && !DERIVED_FROM.test(name),
    );
    for (const name of leaked)
      console.error(`${name} is in the public API, and no entry exports it.`);
    /** @type {Map<string, string>} */
    const wanted = new Map();
    for (const made of files) {
      if (made === undefined) continue;
      const report = readableTypes(describedReport(made.report, made.model));
      wanted.set(`${made.name}.api.md`, report);
      wanted.set(`${made.name}.md`, readableTypes(apiReference(made.entry, made.model)));
    }
    return matches(folder, wanted, update) && good && leaked.length === 0;
  } finally {
    rmSync(temporary, { recursive: true });
    rmSync(together);
  }
}

/** Declares all services together, next to their own declarations. @returns {string} the file */
function writeServices() {
  const folder = join(ROOT, 'dist/src/core/services');
  const files = readdirSync(folder).filter((file) => file.endsWith('.d.ts'));
  const services = files.filter((file) => file !== 'index.d.ts' && file !== 'service.d.ts');
  const path = join(folder, 'index.d.ts');
  writeFileSync(
    path,
    services.map((file) => `export * from './${file.replace('.d.ts', '.js')}';\n`).join(''),
  );
  return path;
}

/**
 * @param {string} folder
 * @param {ReadonlyMap<string, string>} wanted
 * @param {boolean} update
 */
function matches(folder, wanted, update) {
  let good = true;
  for (const [file, text] of wanted) {
    const path = join(folder, file);
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    if (update) writeFileSync(path, text);
    else good = false;
    if (!update)
      console.error(`docs/api/${file} does not fit: npm run check -- --update rewrites it.`);
  }
  for (const file of readdirSync(folder).filter((one) => one.endsWith('.md'))) {
    if (wanted.has(file)) continue;
    if (update) rmSync(join(folder, file));
    else good = false;
    if (!update)
      console.error(`docs/api/${file} is of no entry: npm run check -- --update drops it.`);
  }
  return good;
}

/**
 * @param {string} name
 * @param {{ readonly types: string, readonly lib: string[], readonly scope?: string[] }} entry
 * @param {string} temporary
 */
function extract(name, { types, lib, scope = [] }, temporary) {
  const declarations = join(ROOT, `dist/src/${types}/index.d.ts`);
  const modelFile = join(temporary, `${name}.api.json`);
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(ROOT, 'package.json'),
    configObject: {
      projectFolder: ROOT,
      mainEntryPointFilePath: declarations,
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2022',
            module: 'nodenext',
            lib,
            types: scope,
            skipLibCheck: true,
          },
          include: [declarations],
        },
      },
      newlineKind: 'lf',
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: temporary,
        reportTempFolder: join(temporary, 'temp'),
        includeForgottenExports: true,
      },
      docModel: { enabled: true, apiJsonFilePath: modelFile },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.None, addToApiReportFile: false },
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.Warning },
        },
        // Release tags are not in use, and the report itself shows the rest.
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
      },
    },
  });
  mkdirSync(join(temporary, 'temp'), { recursive: true });
  /** @type {string[]} */
  const forgotten = [];
  const { errorCount } = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      if (message.messageId === 'ae-forgotten-export') {
        forgotten.push(/"(\w+)"/.exec(message.text)?.[1] ?? message.text);
      }
      // Its own banner and hints name another way of working.
      if (message.logLevel !== ExtractorLogLevel.Error) message.handled = true;
    },
  });
  if (errorCount > 0) return undefined;
  const report = readFileSync(join(temporary, `${name}.api.md`), 'utf8');
  const model = JSON.parse(readFileSync(modelFile, 'utf8'));
  const names = [...new Set((model.members?.[0]?.members ?? []).map(nameOf))];
  const small = isSmall(name, types, names.length);
  const documented = isDocumented(report);
  const entry = name === 'web' ? 'micwire' : `micwire/${name}${name === OF_MANY ? '/*' : ''}`;
  return { name, entry, report, model, names, forgotten, good: documented && small };
}

/**
 * @param {string} name
 * @param {string} types
 * @param {number} names
 */
function isSmall(name, types, names) {
  if (!types.startsWith('core/') || name === OF_MANY || names < MAX_NAMES) return true;
  console.error(`micwire/${name} has ${names} names: fewer than ${MAX_NAMES} are allowed.`);
  return false;
}

/** @param {import('./api-reference.mjs').ApiItem} item */
function nameOf({ name = '' }) {
  return name;
}

/** @param {string} report */
function isDocumented(report) {
  const bare = [...report.matchAll(UNDOCUMENTED)].map(([, line]) => line);
  for (const line of bare) console.error(`No doc comment: ${line}`);
  return bare.length === 0;
}
