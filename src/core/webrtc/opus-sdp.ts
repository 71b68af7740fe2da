import { booleanOf, integerIn, oneOf } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { readParameters, splitFormat } from './sdp.ts';

/** Options of a side's Opus encoder in a call. Options that are not set keep the browser's values. */
export interface CallOpusOptions {
  /** Bitrate in bit/s, 6000 to 510000 (RFC 7587 §6.1, `maxaveragebitrate`). */
  readonly bitrate?: number;
  /** Whether packets carry a coarse copy of the previous one (`useinbandfec`). */
  readonly fec?: boolean;
  /** Whether to send no packets during silence (`usedtx`). */
  readonly dtx?: boolean;
  /**
   * Whether to send two channels instead of one (`stereo`, `sprop-stereo`). For the callee's audio the caller must set it as well,
   * because its offer comes first.
   */
  readonly stereo?: boolean;
  /** Whether to use a constant bitrate (`cbr`). */
  readonly constantBitrate?: boolean;
  /** Length of a packet in ms (`a=ptime`). Chromium supports 10, 20, 40, 60 and 120. */
  readonly ptimeMs?: 10 | 20 | 40 | 60 | 120;
}

const NAMES = {
  bitrate: 1,
  fec: 1,
  dtx: 1,
  stereo: 1,
  constantBitrate: 1,
  ptimeMs: 1,
} satisfies OptionNames<CallOpusOptions>;
const SWITCHES = ['fec', 'dtx', 'stereo', 'constantBitrate'] as const;

const MIN_BITRATE = 6000;
const MAX_BITRATE = 510_000;
const PTIMES_MS: readonly number[] = [10, 20, 40, 60, 120];

/** @throws TypeError or RangeError for an invalid option */
export function checkCallOpusOptions(options: CallOpusOptions): void {
  checkOptions('opus', options, NAMES);
  for (const name of SWITCHES) {
    if (options[name] !== undefined) booleanOf(`opus.${name}`, options[name]);
  }
  if (options.bitrate !== undefined) {
    integerIn('opus.bitrate', options.bitrate, MIN_BITRATE, MAX_BITRATE);
  }
  if (options.ptimeMs !== undefined) {
    oneOf('opus.ptimeMs', String(options.ptimeMs), PTIMES_MS.map(String));
  }
}

/**
 * Writes the options into the Opus parameters (RFC 7587 §6.1) of a session description. Parameters bind the side that receives
 * the description: put them into the *remote* description to set how this side encodes.
 * @param sdp the description, with any kind of line breaks; only the relevant lines change. Takes time linear in its length
 */
export function withOpusOptions(sdp: string, options: CallOpusOptions): string {
  const parameters = parametersOf(options);
  if (parameters.size === 0) return sdp;
  // Split before each section, so that the end of the text is unchanged.
  return sdp
    .split(/(?=^m=)/m)
    .map((section) =>
      section.startsWith('m=audio') ? withOptions(section, parameters, options.ptimeMs) : section,
    )
    .join('');
}

/** Returns true if the side that wrote this description will send two channels (RFC 7587 §6.1, `sprop-stereo`). */
export function promisesStereo(sdp: string): boolean {
  return sdp.split(/\r\n|\r|\n/).some((line) => {
    if (!line.startsWith('a=fmtp:')) return false;
    const parameters = new Map<string, string>();
    readParameters(splitFormat(line.slice('a=fmtp:'.length))[1], parameters);
    return parameters.get('sprop-stereo') === '1';
  });
}

function withOptions(
  section: string,
  parameters: ReadonlyMap<string, string>,
  ptimeMs: number | undefined,
): string {
  const lines: string[] = [];
  const lineBreak = section.includes('\r\n') ? '\r\n' : '\n';
  const all = section.split(lineBreak);
  const type = all.map((line) => /^a=rtpmap:(\d+) opus\/48000/i.exec(line)?.[1]).find(Boolean);
  if (type === undefined) return section;
  const hasParameters = all.some((line) => line.startsWith(`a=fmtp:${type} `));
  let isWritten = false;
  for (const line of all) {
    if (ptimeMs !== undefined && /^a=(max)?ptime:/.test(line)) continue;
    if (line.startsWith(`a=fmtp:${type} `)) {
      lines.push(mergeParameters(line, parameters));
      continue;
    }
    lines.push(line);
    if (isWritten || !line.startsWith(`a=rtpmap:${type} `)) continue;
    isWritten = true;
    if (!hasParameters) lines.push(mergeParameters(`a=fmtp:${type} `, parameters));
    if (ptimeMs !== undefined) lines.push(`a=ptime:${ptimeMs}`, `a=maxptime:${ptimeMs}`);
  }
  return lines.join(lineBreak);
}

function parametersOf(options: CallOpusOptions): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const flag = (name: string, value: boolean | undefined): void => {
    if (value !== undefined) parameters.set(name, value ? '1' : '0');
  };
  if (options.bitrate !== undefined) parameters.set('maxaveragebitrate', String(options.bitrate));
  flag('useinbandfec', options.fec);
  flag('usedtx', options.dtx);
  flag('stereo', options.stereo);
  flag('sprop-stereo', options.stereo);
  flag('cbr', options.constantBitrate);
  // A browser does not send packets shorter than `minptime`.
  if (options.ptimeMs !== undefined) parameters.set('minptime', '10');
  return parameters;
}

function mergeParameters(line: string, parameters: ReadonlyMap<string, string>): string {
  const space = line.indexOf(' ');
  const merged = new Map<string, string>();
  for (const part of line.slice(space + 1).split(';')) {
    const [name = '', value = ''] = part.trim().split('=', 2);
    if (name !== '') merged.set(name, value);
  }
  for (const [name, value] of parameters) merged.set(name, value);
  const text = [...merged].map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  return `${line.slice(0, space)} ${text.join(';')}`;
}
