import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { afterEach, describe, expect, it } from 'vitest';
import { StreamRecorder } from '../src/node/recording/stream-recorder.ts';
import { eventually } from './helpers/eventually.ts';
import { FRAMEWORK_TYPES, hasFrameworks, loadFramework } from './helpers/frameworks.ts';
import { PCM, StreamClient, bytesAt } from './helpers/stream-client.ts';

const ROOT = join(import.meta.dirname, '..');
/** A module that is not there: what docs/node.md prints. */
const GUIDE = join(ROOT, 'docs/node-snippet.ts');
const BLOCKS = [
  ...readFileSync(join(ROOT, 'docs/node.md'), 'utf8').matchAll(/^```ts\n(.*?)^```/gms),
].map(([, code = '']) => code);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A snippet that runs in a folder of its own. */
class Snippet {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'micwire-node-guide-'));
  readonly lines: string[] = [];
  #child: ChildProcess | undefined;

  constructor() {
    cleanups.push(() => {
      this.#child?.kill('SIGKILL');
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  async start(code: string): Promise<void> {
    const child = spawn(process.execPath, ['--input-type=module', '-'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      cwd: this.folder,
    });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.lines.push(line));
    child.stdin.end(await bundle(code));
  }

  /** Where a server listens. */
  async url(): Promise<string> {
    await eventually(() => expect(this.lines[0]).toMatch(/^\d+$/));
    return `ws://127.0.0.1:${this.lines.shift()!}`;
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child!;
    if (child.exitCode !== null) return child.exitCode;
    const exit = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    return (await exit)[0];
  }

  async ended(): Promise<number | null> {
    const child = this.#child!;
    if (child.exitCode === null) await once(child, 'exit');
    return child.exitCode;
  }
}

/** The code as one script; a server listens on any free port, and prints it. */
async function bundle(code: string): Promise<string> {
  let told = '';
  if (code.includes('http.listen')) {
    told = "\nhttp.on('listening', () => console.log(http.address().port));";
  } else if (code.includes('app.listen')) told = '\nconsole.log(app.server.address().port);';
  const build = await rolldown({
    input: GUIDE,
    platform: 'node',
    external: ['bufferutil', 'utf-8-validate'],
    logLevel: 'silent',
    plugins: [
      {
        name: 'guide',
        resolveId: (id) => {
          if (id === GUIDE) return id;
          if (id in FRAMEWORK_TYPES && hasFrameworks) {
            return { id: pathToFileURL(loadFramework.resolve(id)).href, external: true };
          }
          return id === 'micwire/node' ? join(ROOT, 'src/node/index.ts') : null;
        },
        load: (id) =>
          id === GUIDE
            ? code
                .replace('port: 8080', "port: 0, host: '127.0.0.1'")
                .replace('8080', "0, '127.0.0.1'") + told
            : null,
      },
    ],
  });
  const { output } = await build.generate({ format: 'esm', codeSplitting: false });
  await build.close();
  return output[0].code;
}

/** The block that has a text. */
function block(text: string): string {
  const found = BLOCKS.filter((code) => code.includes(text));
  expect(found).toHaveLength(1);
  return found[0]!;
}

const LISTEN = `
import { createServer } from 'node:http';
const http = createServer();
http.on('upgrade', (request, socket, head) => void streams.handleUpgrade(request, socket, head));
http.listen(8080);
`;

function talk(url: string, token?: string): StreamClient {
  const client = new StreamClient({
    url,
    session: 'ada',
    ...(token === undefined ? {} : { token }),
  });
  cleanups.push(() => client.close());
  for (let i = 0; i < 10; i++) client.say(320);
  return client;
}

describe('docs/node.md', () => {
  it('accepts a stream, and prints its chunks', async () => {
    const snippet = new Snippet();
    await snippet.start(block('is over: ${stream.ending}'));
    const client = talk(await snippet.url());
    await client.allAcknowledged();
    await client.close();
    await eventually(() => expect(snippet.lines.at(-1)).toBe('ada is over: bye.'));
    expect(snippet.lines[0]).toBe('ada sends s16 at 16000 Hz.');
    expect(snippet.lines[1]).toBe('frames 0 to 320: 640 bytes');
  });

  it('admits clients that have a token', async () => {
    const snippet = new Snippet();
    await snippet.start(block('Sign in again.') + LISTEN);
    const url = await snippet.url();
    const wrong = new StreamClient({ url, session: 'eve', token: 'guess' });
    await eventually(() => expect(wrong.isClosed).toBe(true));
    const client = talk(url, 'secret');
    await client.allAcknowledged();
    expect(snippet.lines[0]).toBe('Ada begins from 127.0.0.1 with s16.');
  });

  it('records, even if it is killed meanwhile', async () => {
    const snippet = new Snippet();
    let url = '';
    await snippet.start(block('new RecordingFolder'));
    url = await snippet.url();
    const client = new StreamClient({ url: () => url, session: 'ada' });
    cleanups.push(() => client.close());
    for (let i = 0; i < 10; i++) client.say(320);
    await client.allAcknowledged();
    await snippet.end();
    for (let i = 0; i < 10; i++) client.say(320);
    await snippet.start(block('new RecordingFolder'));
    url = await snippet.url();
    await client.allAcknowledged();
    await client.close();
    await eventually(() =>
      expect(snippet.lines).toContain('recordings/ada.wav: 6400 frames, 0 gaps'),
    );
    const file = readFileSync(join(snippet.folder, 'recordings/ada.wav'));
    expect(new Uint8Array(file.subarray(file.indexOf('data') + 8))).toEqual(
      bytesAt('ada', 0, 6400),
    );
  });

  it('records chunks in any order', async () => {
    const snippet = new Snippet();
    await snippet.start(block("StreamRecorder.open('interview.wav'"));
    expect(await snippet.ended()).toBe(0);
    expect(snippet.lines).toEqual(['[ { frame: 320, frames: 320 } ]', '960']);
    expect(readdirSync(snippet.folder).toSorted()).toEqual(['interview.wav', 'interview.wav.json']);
  });

  it('mixes a conversation', async () => {
    const snippet = new Snippet();
    for (const [i, name] of ['caller', 'agent'].entries()) {
      const recorder = await StreamRecorder.open(join(snippet.folder, `${name}.wav`), {
        stream: PCM,
        startedAt: 500 * i,
      });
      const bytes = new Uint8Array(Int16Array.from({ length: 16_000 }, () => 16_384).buffer);
      void recorder.write({ frame: 0, frames: 16_000, bytes });
      await recorder.close();
    }
    await snippet.start(block('mixdown('));
    expect(await snippet.ended()).toBe(0);
    expect(snippet.lines).toEqual(['24000 frames, peak -6.0 dBFS']);
  });

  it.skipIf(!hasFrameworks).each([
    ['Fastify', "app.server.on('upgrade'", ''],
    ['@fastify/websocket', 'app.register(websocket', '/audio'],
    ['Express', 'app = express()', '/audio'],
  ])(
    'takes streams beside the routes of %s (skipped where node scripts/frameworks.mjs has not installed it)',
    async (name, text, path) => {
      const snippet = new Snippet();
      await snippet.start(block(text));
      const url = await snippet.url();
      const client = talk(url + path);
      await client.allAcknowledged();
      await client.close();
      await eventually(() => expect(snippet.lines.at(-1)).toBe('ada 2880 320'));
      if (name === '@fastify/websocket') return;
      const health = await fetch(`${url.replace('ws', 'http')}/health`);
      expect(await health.json()).toEqual({ streams: 0 });
    },
  );

  it('ends at SIGTERM', async () => {
    const snippet = new Snippet();
    await snippet.start(block("process.once('SIGTERM'"));
    const client = talk(await snippet.url());
    await client.allAcknowledged();
    void client.close();
    expect(await snippet.end('SIGTERM')).toBe(0);
    expect(snippet.lines.at(-1)).toBe('2880');
  });
});
