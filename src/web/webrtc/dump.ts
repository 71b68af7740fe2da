import { describe } from '../../core/arguments.ts';
import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import type { Call } from './call.ts';
import type { StatsEntry } from '../../core/webrtc/call-figures.ts';

/**
 * Returns a dump of calls in the format of chrome://webrtc-internals, to save as a file and open with webrtc-dump-importer
 * (https://fippo.github.io/webrtc-dump-importer). Works during a call and after it; passwords of servers are left out.
 */
export function dumpForImporter(calls: readonly Call[], options: DumpOptions = {}): string {
  if (!Array.isArray(calls)) throw new TypeError(`calls must be an array, got ${describe(calls)}.`);
  checkOptions('dumpForImporter', options, NAMES);
  return importerDump(
    calls.map((call) => call.importerConnection()),
    browserOf(globalThis.navigator as NavigatorWithBrands | undefined),
    options.captured ?? [],
  );
}

/** Additional content of a dump. */
export interface DumpOptions {
  /** Tracks from `getUserMedia`: they are listed as calls of it, with their constraints. @default none */
  readonly captured?: readonly MediaStreamTrack[];
}
const NAMES = { captured: 1 } satisfies OptionNames<DumpOptions>;

/** Client hints that Chromium provides (User-Agent Client Hints), and that the DOM types lack. */
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

/** An event, in the format of chrome://webrtc-internals. */
export interface ImporterUpdate {
  /** Time in ms since the epoch. */
  readonly timeMs: number;
  /** Type of the event, such as `'setLocalDescription'`. */
  readonly type: string;
  readonly value: string;
}

/** A peer connection and its recorded data. */
export interface ImporterConnection {
  /** A name without spaces, unique in the dump. */
  readonly id: string;
  /** Address of the page. */
  readonly url: string;
  /** The configuration of the connection. The caller must leave out passwords. */
  readonly configuration: unknown;
  readonly updates: readonly ImporterUpdate[];
  /** Reports of `getStats()`, oldest first. */
  readonly reports: readonly (readonly StatsEntry[])[];
}

/** The browser's data in a dump. */
interface ImporterBrowser {
  /** `navigator.userAgent`. */
  readonly userAgent: string;
  /** `navigator.userAgentData.brands`, where it exists. */
  readonly brands: readonly { readonly brand: string; readonly version: string }[];
}

/**
 * Writes a dump as chrome://webrtc-internals does, which webrtc-dump-importer reads
 * (https://fippo.github.io/webrtc-dump-importer): JSON with the updates, and each figure of each report as a series.
 */
export function importerDump(
  connections: readonly ImporterConnection[],
  browser: ImporterBrowser,
  captured: readonly MediaStreamTrack[] = [],
): string {
  const peers: Record<string, unknown> = {};
  for (const connection of connections) {
    peers[connection.id] = {
      pid: 0,
      rid: 0,
      url: connection.url,
      rtcConfiguration: connection.configuration,
      constraints: '',
      updateLog: connection.updates.map(({ timeMs, type, value }) => ({
        time: isoTime(timeMs),
        type,
        value,
      })),
      stats: series(connection.reports),
    };
  }
  return JSON.stringify({
    getUserMedia: captured.flatMap(userMediaEntries),
    PeerConnections: peers,
    UserAgent: browser.userAgent,
    UserAgentData: browser.brands,
  });
}

/** Returns the entries of a track's request and its answer. */
function userMediaEntries(track: MediaStreamTrack, index: number): readonly object[] {
  const request = { pid: 0, rid: 0, request_id: index + 1 };
  const constraints = JSON.stringify(track.getConstraints());
  return [
    {
      ...request,
      request_type: 'getUserMedia',
      origin: globalThis.location?.origin || 'unknown',
      [track.kind]: constraints === '{}' ? '' : constraints,
    },
    {
      ...request,
      request_type: 'getUserMediaOnSuccess',
      [`${track.kind}_track_info`]: `id:${track.id} label:${track.label}`,
    },
  ];
}

interface Series {
  readonly statsType: string;
  readonly startMs: number;
  endMs: number;
  readonly values: unknown[];
}

/**
 * Key: `<id of the entry>-<name of the figure>`; `values` is JSON within JSON. The series `<id>-timestamp` dates the others by
 * position, so a series that begins later is padded: counters with the 0 that they had.
 */
function series(reports: readonly (readonly StatsEntry[])[]): Record<string, unknown> {
  const all = new Map<string, Series>();
  const reported = new Map<string, number>();
  for (const report of reports) {
    for (const entry of report) {
      const position = reported.get(entry.id) ?? 0;
      reported.set(entry.id, position + 1);
      for (const [name, value] of Object.entries(entry)) {
        if (name === 'id' || name === 'type') continue;
        const key = `${entry.id}-${name}`;
        let one = all.get(key);
        if (one === undefined) {
          one = { statsType: entry.type, startMs: entry.timestamp, endMs: 0, values: [] };
          all.set(key, one);
        }
        const filler = typeof value === 'number' ? 0 : null;
        while (one.values.length < position) one.values.push(filler);
        one.endMs = entry.timestamp;
        one.values.push(value);
      }
    }
  }
  const result: Record<string, unknown> = {};
  for (const [key, { statsType, startMs, endMs, values }] of all) {
    result[key] = {
      startTime: isoTime(startMs),
      endTime: isoTime(endMs),
      statsType,
      values: JSON.stringify(values),
    };
  }
  return result;
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
