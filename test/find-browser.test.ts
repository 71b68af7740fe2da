import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Machine } from './engines/find-browser.mjs';
import { browserPlaces, findBrowser } from './engines/find-browser.mjs';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'micwire-browsers-'));
  vi.stubEnv('PATH', join(folder, 'bin'));
  vi.stubEnv('PLAYWRIGHT_BROWSERS_PATH', join(folder, 'playwright'));
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
  vi.stubEnv('CHROME_PATH', undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

async function program(name: string): Promise<string> {
  const file = join(folder, name);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, '#!/bin/sh\n');
  await chmod(file, 0o755);
  return file;
}

// Elsewhere browsers lie in fixed folders, which a test cannot empty.
describe.runIf(process.platform === 'linux')('an installed browser', () => {
  test('is found in PATH, Chromium before Edge', async () => {
    await program('bin/microsoft-edge');
    const chromium = await program('bin/chromium');
    expect(findBrowser('chromium')).toBe(chromium);
  });

  test('is found among those that Playwright downloaded, the newest one', async () => {
    await program('playwright/chromium-999/chrome-linux/chrome');
    const newest = await program('playwright/chromium-1200/chrome-linux64/chrome');
    expect(findBrowser('chromium')).toBe(newest);
  });

  test('is the one that the environment names', async () => {
    await program('bin/chromium');
    const given = await program('elsewhere/my-browser');
    vi.stubEnv('CHROME_PATH', given);
    expect(findBrowser('chromium')).toBe(given);
  });

  test('is the one of an npm package before one that Playwright downloaded and that did not start', async () => {
    await program('playwright/chromium-999/chrome-linux/chrome');
    const packaged = await program('cache/micwire/chromium-153.0.0/chromium');
    expect(findBrowser('chromium')).toBe(packaged);
  });

  test('is not a file without permission to execute', async () => {
    const file = await program('bin/chromium');
    await chmod(file, 0o644);
    expect(() => findBrowser('chromium')).toThrow(/install/i);
  });

  test('that is missing is reported with a sentence that says how to get one', () => {
    expect(() => findBrowser('chromium')).toThrow(/let npm test install one\n.*CHROME_PATH/);
  });

  test('that the environment names wrongly is reported as wrong', () => {
    vi.stubEnv('CHROME_PATH', '/nowhere/chrome');
    expect(() => findBrowser('chromium')).toThrow('CHROME_PATH is set to /nowhere/chrome');
  });
});

describe('a browser is looked for', () => {
  const WINDOWS: Machine = {
    platform: 'win32',
    env: {
      Path: 'C:\\tools;;D:\\bin',
      PATHEXT: '.COM;.EXE;.BAT;.CMD',
      PROGRAMFILES: 'C:\\Program Files',
      LOCALAPPDATA: 'C:\\Users\\user\\AppData\\Local',
    },
    home: 'C:\\Users\\user',
    list: (path) => (path.endsWith('ms-playwright') ? ['chromium-1200', 'ffmpeg-1011'] : []),
  };

  test('on Windows in PATH, under the names that start without a shell', () => {
    const places = browserPlaces('chromium', WINDOWS);
    expect(places).toContain('C:\\tools\\msedge.exe');
    expect(places).toContain('D:\\bin\\chrome.com');
    expect(places.filter((place) => /\.(bat|cmd)$/.test(place))).toEqual([]);
  });

  test('on Windows in the folders of programs, and where Playwright keeps its own', () => {
    const places = browserPlaces('chromium', WINDOWS);
    expect(places).toContain('C:\\Program Files\\Microsoft\\Edge\\Application\\msedge.exe');
    expect(places.at(-1)).toBe(
      'C:\\Users\\user\\AppData\\Local\\ms-playwright\\chromium-1200\\chrome-win64\\chrome.exe',
    );
    expect(browserPlaces('firefox', WINDOWS)).toContain(
      'C:\\Program Files\\Mozilla Firefox\\firefox.exe',
    );
  });

  test('on macOS among the apps of the system and of the user', () => {
    const places = browserPlaces('chromium', {
      platform: 'darwin',
      env: { PATH: '/usr/bin' },
      home: '/Volumes/user',
      list: (path) => (path === '/Volumes/user/Library/Caches/ms-playwright' ? ['chromium-9'] : []),
    });
    expect(places).toContain('/Applications/Google Chrome.app/Contents/MacOS/Google Chrome');
    expect(places).toContain(
      '/Volumes/user/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    );
    expect(
      places.filter((place) => place.includes('Caches/ms-playwright/chromium-9/')),
    ).not.toEqual([]);
    expect(places.filter((place) => place.includes('.cache'))).toEqual([]);
  });
});
