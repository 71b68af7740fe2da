import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { findBrowser } from './engines/find-browser.mjs';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'micwire-browsers-'));
  vi.stubEnv('PATH', join(folder, 'bin'));
  vi.stubEnv('PLAYWRIGHT_BROWSERS_PATH', join(folder, 'playwright'));
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

  test('is not a file that cannot be run', async () => {
    const file = await program('bin/chromium');
    await chmod(file, 0o644);
    expect(() => findBrowser('chromium')).toThrow(/install/i);
  });

  test('that is missing ends in one command that installs one', () => {
    expect(() => findBrowser('chromium')).toThrow(/Install one with: (apt-get|npx) .*\n/);
  });

  test('that the environment names wrongly is said to be wrong', () => {
    vi.stubEnv('CHROME_PATH', '/nowhere/chrome');
    expect(() => findBrowser('chromium')).toThrow('CHROME_PATH is set to /nowhere/chrome');
  });
});
