import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  FRAMEWORKS,
  FRAMEWORK_TYPES,
  hasFrameworks,
  needsFrameworks,
} from './helpers/frameworks.ts';

const ROOT = join(import.meta.dirname, '..');

/** What snippets use without making it themselves: the things that the text around them speaks of. */
const PRELUDE = `
import type * as micwire from 'micwire';
import type * as sip from 'micwire/sip';
declare global {
  const context: AudioContext;
  const microphone: MediaStream;
  const source: AudioNode;
  const track: MediaStreamTrack;
  const socket: WebSocket;
  const channel: RTCDataChannel;
  const worker: Worker;
  const capture: micwire.Capture;
  const chunk: micwire.Chunk;
  const playout: micwire.Playout;
  const receiver: micwire.Receiver;
  const call: micwire.Call;
  const phone: sip.SipPhone;
  const session: micwire.Session;
  const signalling: micwire.Signalling;
  const bytes: Uint8Array<ArrayBuffer>;
  const block: Float32Array<ArrayBuffer>;
  function play(payload: Uint8Array): void;
  function download(file: Blob, name: string): void;
}
`;

interface Snippet {
  /** The file and the number of the block in it: `docs/opus.md, block 2`. */
  readonly name: string;
  readonly file: string;
  readonly code: string;
}

const GUIDES = [
  'README.md',
  ...(await readdir(join(ROOT, 'docs')))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
].sort();

const SNIPPETS: Snippet[] = [];
/** Snippets whose packages are not installed. */
const SKIPPED: string[] = [];
for (const guide of GUIDES) {
  const text = await readFile(join(ROOT, guide), 'utf8');
  for (const [index, [, code = '']] of [...text.matchAll(/^```ts\n(.*?)^```/gms)].entries()) {
    const file = `${guide.replaceAll(/\W/g, '-')}-${index}.ts`;
    const isSkipped = needsFrameworks(code) && !hasFrameworks;
    if (isSkipped) SKIPPED.push(`${guide}, block ${index}`);
    else SNIPPETS.push({ name: `${guide}, block ${index}`, file, code });
  }
}

/** What the compiler says, by the snippet's file; under '' what it says of no snippet.  */
const faults = new Map<string, string[]>();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'micwire-snippets-'));
  for (const { file, code } of SNIPPETS) {
    await writeFile(join(folder, file), `${code}\nexport {};\n`);
  }
  await writeFile(join(folder, 'prelude.ts'), PRELUDE);
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(await project()));
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const args = [tsc, '-p', join(folder, 'tsconfig.json'), '--pretty', 'false'];
  const text = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (_error, stdout) => resolve(stdout));
  });
  for (const line of text.split('\n').filter((each) => each.includes('error TS'))) {
    // The sources are checked by their own projects, with what exists in their scopes.
    if (/^[^(]*\/src\//.test(line)) continue;
    const file = SNIPPETS.find((each) => line.startsWith(`${each.file}(`))?.file ?? '';
    faults.set(file, [...(faults.get(file) ?? []), line]);
  }
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A strict project in which `micwire` and its entries are this repository's sources. */
async function project(): Promise<object> {
  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  // Servers and tests of the guides use them; the snippets are compiled elsewhere.
  const paths: Record<string, string[]> = {
    ws: [join(ROOT, 'node_modules/@types/ws/index.d.ts')],
    vitest: [join(ROOT, 'node_modules/vitest/dist/index.d.ts')],
  };
  for (const [name, file] of Object.entries(hasFrameworks ? FRAMEWORK_TYPES : {})) {
    paths[name] = [join(FRAMEWORKS, 'node_modules', file)];
  }
  for (const [entry, target] of Object.entries<{ types?: string } | null>(exports)) {
    if (target?.types === undefined) continue;
    const file = target.types.replace('./dist/', '').replace('.d.ts', '.ts');
    paths[`micwire${entry.slice(1)}`] = [join(ROOT, file)];
  }
  return {
    files: ['prelude.ts', ...SNIPPETS.map(({ file }) => file)],
    compilerOptions: {
      strict: true,
      noEmit: true,
      target: 'es2022',
      module: 'esnext',
      moduleResolution: 'bundler',
      allowImportingTsExtensions: true,
      skipLibCheck: true,
      lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
      paths,
    },
  };
}

describe('the TypeScript of the guides compiles as it is printed', () => {
  test('the guides have enough code blocks', () => {
    expect(SNIPPETS.length).toBeGreaterThan(35);
  });

  test.each(SNIPPETS)('$name', ({ file }) => {
    expect(faults.get(file) ?? []).toEqual([]);
  });

  test.skip.each(SKIPPED)(
    '%s (skipped: node scripts/frameworks.mjs installs its packages)',
    () => {},
  );

  test('the compiler reports nothing about the project itself', () => {
    expect(faults.get('') ?? []).toEqual([]);
  });
});
