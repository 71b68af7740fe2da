import { describe } from '../../core/arguments.ts';
import type { Call } from './call.ts';
import type { ImporterBrowser } from './importer-dump.ts';
import { importerDump } from './importer-dump.ts';

/**
 * A dump of these calls in the format of chrome://webrtc-internals, to be saved as a file and read by webrtc-dump-importer
 * (https://fippo.github.io/webrtc-dump-importer). Works during a call and after it; passwords of servers are left out.
 */
export function dumpForImporter(calls: readonly Call[]): string {
  if (!Array.isArray(calls)) throw new TypeError(`calls must be an array, got ${describe(calls)}.`);
  return importerDump(
    calls.map((call) => call.importerConnection()),
    browserOf(globalThis.navigator as NavigatorWithBrands | undefined),
  );
}

/** The client hints that Chromium has (User-Agent Client Hints), and the types lack. */
interface NavigatorWithBrands {
  readonly userAgent?: string;
  readonly userAgentData?: { readonly brands: ImporterBrowser['brands'] };
}

function browserOf(navigator: NavigatorWithBrands | undefined): ImporterBrowser {
  return {
    userAgent: navigator?.userAgent ?? '',
    brands: navigator?.userAgentData?.brands ?? [],
  };
}
