import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fileArchive } from '../src/storage/private-files.ts';

/** The origin's folder of recordings: file system handles with what a test puts into them. */
let files: Map<string, Blob>;
let kinds: Map<string, string>;
let removed: string[];
beforeEach(() => {
  files = new Map();
  kinds = new Map();
  removed = [];
  const folder = {
    async *entries() {
      for (const [name, file] of files) {
        yield [name, { kind: kinds.get(name) ?? 'file', getFile: async () => file }];
      }
    },
    removeEntry: async (name: string) => {
      removed.push(name);
      files.delete(name);
    },
  };
  const root = { getDirectoryHandle: async () => folder };
  vi.stubGlobal('navigator', { storage: { getDirectory: async () => root } });
});
afterEach(() => vi.unstubAllGlobals());

/** A file as a Worker writes it: the entry's length, the entry, and what was recorded. */
function fileOf(entry: object, content = 'audio'): Blob {
  const json = new TextEncoder().encode(JSON.stringify(entry));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length, true);
  return new Blob([length, json, content]);
}

it('lists the files of recordings that ended, and removes those that hold none', async () => {
  const whole = { id: 'whole', name: 'Interview' };
  files.set('whole', fileOf(whole));
  files.set('living', fileOf({ id: 'living' }));
  // Its page ended before the entry was written, in the middle of it, or before its length was.
  files.set('empty', new Blob([]));
  files.set('cut', fileOf({ id: 'cut' }, '').slice(0, 9));
  files.set('length', new Blob([Uint8Array.of(255, 255, 255, 255), 'x']));
  // Of another recording than its name says.
  files.set('renamed', fileOf({ id: 'other' }));
  files.set('folder', new Blob([]));
  kinds.set('folder', 'directory');
  expect(await fileArchive.list(new Set(['living']))).toEqual([whole]);
  expect(removed.toSorted()).toEqual(['cut', 'empty', 'length', 'renamed']);
  expect([...files.keys()].toSorted()).toEqual(['folder', 'living', 'whole']);
});

it('lists nothing without a file system', async () => {
  vi.stubGlobal('navigator', {});
  expect(await fileArchive.list(new Set())).toEqual([]);
});
