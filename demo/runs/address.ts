import { CLEAN, PRESETS, checkLinkSettings } from '../link/settings.ts';
import type { LinkPresetId, LinkSettings } from '../link/settings.ts';
import { LANE_IDS } from '../lanes/lane-ids.ts';
import type { LaneId } from '../lanes/lane-ids.ts';
import { OPUS_DURATIONS } from '../lanes/lane-settings.ts';
import type { LinkChoice, RunSettings, SourceKind } from './run.ts';

/** The settings of a page whose address names none. */
export const DEFAULT_RUN: RunSettings = {
  source: 'speech',
  // One of each kind: with all of them, a small machine would measure itself.
  lanes: ['pcm-binary-ws', 'opus-binary-ws', 'opus-rtp-dc', 'webrtc'],
  links: [{ name: 'clean', settings: PRESETS.clean.settings }],
  chunkDurationMs: 20,
  bitrate: 32_000,
  complexity: 9,
  copies: 'adaptive',
  latencyCost: 0.5,
  seconds: 20,
  settleSeconds: 4,
  repetitions: 5,
  seed: 1,
};

const SOURCES: readonly SourceKind[] = ['speech', 'music', 'microphone', 'file'];

/** The numbers of an address, each with its range. */
const NUMBERS = {
  frame: { setting: 'chunkDurationMs', min: 10, max: 60 },
  bitrate: { setting: 'bitrate', min: 6000, max: 510_000 },
  complexity: { setting: 'complexity', min: 0, max: 10 },
  copies: { setting: 'copies', min: 1, max: 3 },
  cost: { setting: 'latencyCost', min: 0.01, max: 100 },
  seconds: { setting: 'seconds', min: 1, max: 600 },
  settle: { setting: 'settleSeconds', min: 0, max: 60 },
  runs: { setting: 'repetitions', min: 1, max: 100 },
  seed: { setting: 'seed', min: 0, max: 2 ** 31 },
} as const;

/**
 * The settings as the query of an address: settings equal to `DEFAULT_RUN` are left out, so that most links are short.
 * @returns without a question mark; empty when nothing differs
 */
export function queryOf(settings: RunSettings): string {
  const query = new URLSearchParams();
  if (settings.source !== DEFAULT_RUN.source) query.set('source', settings.source);
  if (settings.lanes.join() !== DEFAULT_RUN.lanes.join()) query.set('lanes', settings.lanes.join());
  const links = settings.links.map(linkText);
  if (links.join() !== 'clean') query.set('link', links.join());
  for (const [name, { setting }] of Object.entries(NUMBERS)) {
    if (settings[setting] !== DEFAULT_RUN[setting]) query.set(name, String(settings[setting]));
  }
  // Commas and colons may be in a query unescaped (RFC 3986 §3.4).
  return query.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
}

/**
 * Reads the settings from the query of an address. Addresses come from anywhere: anything that cannot be understood is left as in
 * `defaults`.
 * @param defaults the settings that the address does not name
 */
export function settingsOf(query: string, defaults: RunSettings = DEFAULT_RUN): RunSettings {
  const asked = new URLSearchParams(query);
  const numbers: Partial<Record<string, number>> = {};
  for (const [name, { setting, min, max }] of Object.entries(NUMBERS)) {
    const value = Number(asked.get(name) ?? NaN);
    const fits = name === 'cost' ? Number.isFinite(value) : Number.isInteger(value);
    if (fits && value >= min && value <= max) numbers[setting] = value;
  }
  if (!OPUS_DURATIONS.includes(numbers['chunkDurationMs'] ?? 20)) delete numbers['chunkDurationMs'];
  const source = asked.get('source') as SourceKind;
  const copies = asked.get('copies') === 'adaptive' ? { copies: 'adaptive' as const } : {};
  const wanted = asked.get('lanes')?.split(',');
  const lanes = LANE_IDS.filter((id) => wanted?.includes(id));
  const links = (asked.get('link') ?? '').split(',').flatMap((text) => linkOf(text) ?? []);
  return {
    ...defaults,
    ...numbers,
    ...copies,
    ...(SOURCES.includes(source) ? { source } : {}),
    ...(lanes.length > 0 ? { lanes } : {}),
    ...(links.length > 0 ? { links } : {}),
  };
}

/** Lanes from a list of names with commas: `'all'` for all. @throws RangeError for an unknown name */
export function lanesNamed(list: string): readonly LaneId[] {
  const wanted = new Set<LaneId>();
  for (const name of list.split(',')) {
    const found = LANE_IDS.filter((id) => name === 'all' || id === name);
    if (found.length === 0) {
      throw new RangeError(`There is no lane '${name}'. Lanes: ${LANE_IDS.join(', ')}, all.`);
    }
    for (const id of found) wanted.add(id);
  }
  return LANE_IDS.filter((id) => wanted.has(id));
}

/**
 * A link from its text: a name in the list, or `custom` and the differences from a clean one, such as
 * `custom:delayMs:60:lossRatio:0.05`.
 * @returns null for anything else
 */
export function linkOf(text: string): LinkChoice | null {
  if (Object.hasOwn(PRESETS, text)) {
    const name = text as LinkPresetId;
    return { name, settings: PRESETS[name].settings };
  }
  const [name, ...parts] = text.split(':');
  if (name !== 'custom' || parts.length % 2 !== 0) return null;
  const fields: Record<string, unknown> = {};
  for (let i = 0; i < parts.length; i += 2) fields[parts[i]!] = parsed(parts[i + 1]!);
  try {
    return { name: 'custom', settings: checkLinkSettings(fields) };
  } catch {
    return null;
  }
}

/** The text that `linkOf` reads. A trace does not fit into an address: it is left out. */
export function linkText({ name, settings }: LinkChoice): string {
  if (name !== 'custom') return name;
  const parts: string[] = ['custom'];
  for (const [field, value] of Object.entries(settings) as [keyof LinkSettings, unknown][]) {
    if (field !== 'trace' && value !== CLEAN[field]) parts.push(field, String(value));
  }
  return parts.join(':');
}

function parsed(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  const number = Number(text);
  return text !== '' && Number.isFinite(number) ? number : text;
}
