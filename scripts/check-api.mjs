import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { ROOT } from './run.mjs';

/** Entry point → library of its scope. The worker's scope has no DOM. */
const ENTRIES = {
  web: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
  core: ['es2023'],
  worker: ['es2023', 'webworker'],
  testing: ['es2023'],
};

/** How a report marks an export that has no doc comment. */
const UNDOCUMENTED = /^\/\/ @public \(undocumented\)\n(export .*)$/gm;

/**
 * Compares the built declarations of every entry point with its report in docs/api, so that a review sees each change
 * of the public surface; and finds exports without a doc comment.
 *
 * @param {{ readonly update: boolean }} options - write the reports instead
 * @returns {boolean} whether all agree
 */
export function checkApiReports({ update }) {
  const reports = join(ROOT, 'docs/api');
  const temporary = join(reports, 'temp');
  mkdirSync(temporary, { recursive: true });
  try {
    return Object.entries(ENTRIES)
      .map(([name, lib]) => checkEntry(name, lib, reports, temporary, update))
      .every(Boolean);
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

/**
 * @param {string} name
 * @param {string[]} lib
 * @param {string} reports
 * @param {string} temporary
 * @param {boolean} update
 */
function checkEntry(name, lib, reports, temporary, update) {
  const packageJsonFullPath = join(ROOT, 'package.json');
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath,
    configObject: {
      projectFolder: ROOT,
      mainEntryPointFilePath: join(ROOT, `dist/src/${name}/index.d.ts`),
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            target: 'es2022',
            module: 'nodenext',
            lib,
            types: [],
            skipLibCheck: true,
          },
          include: [join(ROOT, `dist/src/${name}/index.d.ts`)],
        },
      },
      newlineKind: 'lf',
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: reports,
        reportTempFolder: temporary,
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        // The report itself shows what is wrong; release tags are not in use.
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.None, addToApiReportFile: false },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
      },
    },
  });
  const { apiReportChanged, succeeded, errorCount } = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      // Its own banner and hints name another way of working.
      if (message.logLevel !== ExtractorLogLevel.Error) message.handled = true;
    },
  });
  if (errorCount > 0) return false;
  if (apiReportChanged && !update) {
    console.error(`docs/api/${name}.api.md no longer fits: npm run check -- --update rewrites it.`);
    return false;
  }
  return (succeeded || update) && isDocumented(join(reports, `${name}.api.md`));
}

/** @param {string} report */
function isDocumented(report) {
  const bare = [...readFileSync(report, 'utf8').matchAll(UNDOCUMENTED)].map(([, line]) => line);
  for (const line of bare) console.error(`No doc comment: ${line}`);
  return bare.length === 0;
}
