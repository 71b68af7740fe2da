/**
 * The apps of `examples/`, each installed and started as its reader does, from the packed library, and used in Chromium.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createConnection } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { installLibraryInto } from '../scripts/pack-library.mjs';
import { run } from '../scripts/run.mjs';
import { openBrowser } from './engines/open-browser.mjs';
import type { OpenBrowser } from './engines/open-browser.mjs';
import { VoiceServers } from './helpers/voice-servers.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const INSTALL_MS = 180_000;

const voices = new VoiceServers();
const services = createServer((request, response) => {
  if (request.url === '/grant') response.end('{"access_token":"secret","expires_in":30}');
  else {
    request.url = request.url!.slice('/voice-servers'.length);
    voices.answer(request, response);
  }
});
let port: number;
let browser: OpenBrowser;
let tabs: BrowserContext;
let page: Page;
let server: ChildProcess | undefined;
const faults: string[] = [];

beforeAll(async () => {
  const code = await run(process.execPath, [path('../scripts/build.mjs')], { quiet: true });
  expect(code).toBe(0);
  voices.attach(services);
  services.listen(0, '127.0.0.1');
  await once(services, 'listening');
  ({ port } = services.address() as AddressInfo);
  browser = await openBrowser('chromium', { microphone: path('fixtures/speech.wav') });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  services.closeAllConnections();
  services.close();
});

beforeEach(async () => {
  faults.length = 0;
  tabs = await browser.page!.context().browser()!.newContext();
  page = await open();
});
afterEach(async () => {
  await tabs.close();
  server?.kill();
  server = undefined;
});

async function open(): Promise<Page> {
  const opened = await tabs.newPage();
  opened.setDefaultTimeout(20_000);
  opened.on('pageerror', (error) => faults.push(error.message));
  opened.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  return opened;
}

/** Installs an example as its reader does. @returns its folder */
async function install(name: string): Promise<string> {
  // A copy beside nothing of the repository, so that it finds only what it has installed; kept for the next time.
  const folder = join(tmpdir(), 'micwire-examples', name);
  await mkdir(folder, { recursive: true });
  const source = path(`../examples/${name}`);
  await cp(source, folder, {
    recursive: true,
    filter: (file) => !file.slice(source.length).includes('node_modules'),
  });
  await installLibraryInto(folder);
  return folder;
}

/** Starts a program of an example. @returns what it says, once it has said where its page is */
async function startProgram(
  cwd: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<RegExpExecArray> {
  server = spawn(process.execPath, args, { cwd, env: { ...process.env, NO_COLOR: '1', ...env } });
  let said = '';
  server.stderr!.on('data', (text) => (said += text));
  for await (const text of server.stdout!) {
    said += text;
    const found = /(http:\/\/127\.0\.0\.1:\d+\/).*/.exec(said);
    if (found !== null) return found;
  }
  throw new Error(said);
}

/** Installs an example and starts it. @returns its address */
async function start(name: string, env: Record<string, string> = {}): Promise<string> {
  const args = ['node_modules/vite/bin/vite.js', '--host', '127.0.0.1', '--port', '0'];
  const [, address] = await startProgram(await install(name), args, env);
  return address!;
}

const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
const status = (): Promise<string | null> => page.getByRole('status').textContent();
const eventually = <T>(value: () => Promise<T>) => expect.poll(value, { timeout: 20_000 });

test(
  'the recorder records, pauses, and produces a file of that length',
  { timeout: INSTALL_MS },
  async () => {
    await page.goto(await start('recorder'));
    await button('Record').click();
    await eventually(status).toMatch(/recording, [1-9]/);
    const level = page.getByRole('meter', { name: 'Level' });
    await eventually(async () => Number(await level.getAttribute('value'))).toBeGreaterThan(-60);
    await button('Pause').click();
    await eventually(status).toMatch(/paused/);
    const [, seconds] = /([\d.]+) s/.exec((await status())!)!;
    await button('Continue').click();
    await button('Stop').click();
    const audio = page.locator('audio');
    await audio.waitFor();
    const length = () =>
      audio.evaluate((element: HTMLAudioElement) => element.readyState && element.duration);
    await eventually(length).toBeGreaterThanOrEqual(Number(seconds));
    expect(faults).toEqual([]);
  },
);

test('the loudness meter measures, pauses and resets', { timeout: INSTALL_MS }, async () => {
  await page.goto(await start('loudness'));
  await button('Measure').click();
  const value = (name: string) => async () => {
    const row = page.getByRole('row').filter({ hasText: name });
    return Number.parseFloat((await row.getByRole('cell').textContent())!);
  };
  await eventually(value('Integrated')).toBeGreaterThan(-70);
  await eventually(value('Max true peak')).toBeGreaterThan(-60);
  expect(await value('Integrated')()).toBeLessThan(0);
  await button('Pause').click();
  await eventually(status).toBe('paused');
  // The page reads ten times a second.
  await page.waitForTimeout(500);
  const held = await value('Integrated')();
  await page.waitForTimeout(1000);
  expect(await value('Integrated')()).toBe(held);
  await button('Reset').click();
  await eventually(value('Integrated')).toBeNaN();
  expect(faults).toEqual([]);
});

test('the transcription shows the text of a service', { timeout: INSTALL_MS }, async () => {
  const address = await start('transcription', {
    DEEPGRAM_API_KEY: 'key',
    DEEPGRAM_URL: `ws://127.0.0.1:${port}/voice-servers/deepgramListen/transcription`,
    DEEPGRAM_TOKEN_URL: `http://127.0.0.1:${port}/grant`,
  });
  await page.goto(address);
  await button('Start').click();
  await eventually(() => page.locator('#words').textContent()).toMatch(/Hello/);
  expect(await status()).toBe('open');
  expect(faults).toEqual([]);
});

test(
  'without a key, the transcription says where to get one',
  { timeout: INSTALL_MS },
  async () => {
    await expect(start('transcription')).rejects.toThrow(
      /Set DEEPGRAM_API_KEY to a key of your own/,
    );
  },
);

test('two tabs call each other over a data channel', { timeout: INSTALL_MS }, async () => {
  const address = await start('call');
  const other = await open();
  await page.goto(address);
  await other.goto(address);
  await button('Call').click();
  await other.getByRole('button', { name: 'Call' }).click();
  for (const tab of [page, other]) {
    const packets = () => tab.locator('dd').first().textContent();
    await eventually(async () => Number(await packets().catch(() => 0))).toBeGreaterThan(100);
    expect(Number.parseFloat((await tab.locator('dd').last().textContent())!)).toBeLessThan(50);
  }
  expect(faults).toEqual([]);
});

test('the voice client in React talks, mutes and hangs up', { timeout: INSTALL_MS }, async () => {
  const address = await start('voice-client-react');
  await page.route('**/token', (route) => route.fulfill({ body: 'secret' }));
  await page.addInitScript((url) => {
    const Native = WebSocket;
    globalThis.WebSocket = class extends Native {
      constructor(asked: string | URL, protocols?: string | string[]) {
        super(String(asked).startsWith('wss:') ? url : asked, protocols);
      }
    };
  }, `ws://127.0.0.1:${port}/voice-servers/openai/react`);
  await page.goto(address);
  await button('Talk').click();
  await eventually(() => page.getByRole('listitem').allTextContents()).toEqual([
    'user: Hello.',
    'agent: Good morning.',
  ]);
  await button('Mute').click();
  await page.getByRole('button', { name: 'Mute', pressed: true }).waitFor();
  await button('Hang up').click();
  await button('Talk').waitFor();
  expect(faults).toEqual([]);
});

test(
  'the phone bridge joins a caller and a page, one after the other',
  { timeout: INSTALL_MS },
  async () => {
    const [said, address] = await startProgram(await install('phone-bridge'), ['bridge.mjs'], {
      PAGE_PORT: '0',
      PHONE_PORT: '0',
    });
    const phonePort = Number(/call port (\d+)/.exec(said)![1]);
    await page.addInitScript(hearOutput);
    await page.goto(address!);
    await button('Wait for calls').click();
    await eventually(status).toBe('Waiting for a call.');
    for (const hertz of [440, 1000]) {
      const caller = new Caller(phonePort, hertz);
      await eventually(status).toBe('In a call.');
      // The page hears the caller, and the caller hears what the microphone of the page records.
      await eventually(() => page.evaluate(() => globalThis.heardHertz())).toBeCloseTo(hertz, -2);
      await eventually(async () => caller.peak).toBeGreaterThan(1000);
      caller.hangUp();
      await eventually(status).toBe('Waiting for a call.');
    }
    expect(faults).toEqual([]);
  },
);

test('the offline tests pass without a browser', { timeout: INSTALL_MS }, async () => {
  const cwd = await install('offline-tests');
  const vitest = join(cwd, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--reporter=json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
  expect(JSON.parse(stdout)).toMatchObject({ numPassedTests: 6, numFailedTests: 0 });
});

declare global {
  var heardHertz: () => number;
}

/** Runs in the page: taps what goes to the loudspeaker. */
function hearOutput(): void {
  type Connect = (this: AudioNode, ...to: never[]) => AudioNode;
  const connect = Reflect.get(AudioNode.prototype, 'connect') as Connect;
  let tap: AnalyserNode | undefined;
  AudioNode.prototype.connect = function (this: AudioNode, ...to: never[]): never {
    const [target] = to as unknown[];
    if (
      target instanceof AudioDestinationNode ||
      target instanceof MediaStreamAudioDestinationNode
    ) {
      tap ??= new AnalyserNode(this.context, { fftSize: 4096 });
      connect.call(this, ...([tap] as never[]));
    }
    return connect.call(this, ...to) as never;
  } as never;
  globalThis.heardHertz = () => {
    if (tap === undefined) return 0;
    const bins = new Float32Array(tap.frequencyBinCount);
    tap.getFloatFrequencyData(bins);
    const loudest = bins.indexOf(Math.max(...bins));
    return (loudest * tap.context.sampleRate) / tap.fftSize;
  };
}

/** Asterisk with a call: sends a tone, and takes what comes. */
class Caller {
  /** Of the samples that came, 0 to 32768. */
  peak = 0;
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;

  constructor(port: number, hertz: number) {
    const RATE = 8000;
    const SAMPLES = 160;
    this.#socket = createConnection(port, '127.0.0.1');
    this.#socket.write(message(0x01, Buffer.alloc(16, 7)));
    let sent = 0;
    this.#timer = setInterval(() => {
      const tone = Buffer.alloc(2 * SAMPLES);
      for (let i = 0; i < SAMPLES; i++) {
        const sample = 8000 * Math.sin((2 * Math.PI * hertz * sent++) / RATE);
        tone.writeInt16LE(Math.round(sample), 2 * i);
      }
      this.#socket.write(message(0x10, tone));
    }, 20);
    let rest = Buffer.alloc(0);
    this.#socket.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= 3 && rest.length >= 3 + rest.readUInt16BE(1)) {
        const end = 3 + rest.readUInt16BE(1);
        for (let at = 3; rest[0] === 0x10 && at + 1 < end; at += 2) {
          this.peak = Math.max(this.peak, Math.abs(rest.readInt16LE(at)));
        }
        rest = rest.subarray(end);
      }
    });
  }

  hangUp(): void {
    clearInterval(this.#timer);
    this.#socket.end(message(0x00, Buffer.alloc(0)));
  }
}

/** As Asterisk's AudioSocket has them: kind, length, payload. */
function message(kind: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.of(kind, payload.length >> 8, payload.length & 255), payload]);
}
