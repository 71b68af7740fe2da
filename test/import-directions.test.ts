import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, test } from 'vitest';

/*
 * Which rooms of src/core import values of which. The compiler holds the directions between projects and the linter forbids
 * cycles of files; a cycle of folders needs neither to be one.
 */

const CORE = join(import.meta.dirname, '../src/core');
/** An import or export of values; `import type` and `export type` bring none. */
const VALUE_IMPORT = /^(?:import|export)\s+(?!type\b)(?:[^;'"]*?\sfrom\s+)?'(\.[^']+)';/gm;

const room = (file: string): string => (file.includes('/') ? file.split('/')[0]! : '');

/** The rooms that each room imports values from, with the files that do. */
function importedRooms(): Map<string, Map<string, string[]>> {
  const rooms = new Map<string, Map<string, string[]>>();
  for (const name of readdirSync(CORE, { recursive: true, encoding: 'utf8' })) {
    const file = name.replaceAll('\\', '/');
    // An entry collects what belongs together for apps, from any room; no room imports an entry.
    if (!file.endsWith('.ts') || posix.basename(file) === 'index.ts') continue;
    for (const [, path = ''] of readFileSync(join(CORE, file), 'utf8').matchAll(VALUE_IMPORT)) {
      const target = posix.join(posix.dirname(file), path);
      expect(posix.basename(target), `${file} imports an entry`).not.toBe('index.ts');
      const [from, to] = [room(file), room(target)];
      if (from === to || to === '') continue;
      const imported = rooms.get(from) ?? new Map<string, string[]>();
      imported.set(to, [...(imported.get(to) ?? []), `${file} → ${target}`]);
      rooms.set(from, imported);
    }
  }
  return rooms;
}

const ROOMS = importedRooms();

/** All rooms whose values reach a room, through others as well. */
function reached(from: string, found: Set<string> = new Set()): Set<string> {
  for (const to of ROOMS.get(from)?.keys() ?? []) {
    if (found.has(to)) continue;
    found.add(to);
    reached(to, found);
  }
  return found;
}

test('no folder of the core imports values from one that imports it', () => {
  // The test reads what it should: rooms that certainly import each other's values.
  expect(reached('services')).toContain('session');
  expect(reached('framing')).toContain('rtp');
  const back = [...ROOMS].flatMap(([from, imported]) =>
    [...imported].flatMap(([to, files]) => (reached(to).has(from) ? files : [])),
  );
  expect(back).toEqual([]);
});

test('a session imports no value of a speech service', () => {
  expect(reached('session')).toContain('framing');
  expect(reached('session')).not.toContain('services');
});

test('the modules shared with the audio thread import no value of the ones above them', () => {
  for (const low of ['dsp', 'format', 'base64']) {
    const above = ['capture', 'playout', 'receive', 'session', 'services', 'framing', 'rtp'];
    for (const room of above) expect([...reached(low)], `core/${low}`).not.toContain(room);
  }
});
