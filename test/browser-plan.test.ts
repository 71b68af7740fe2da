/** Which way `npm test` takes to a browser on a machine that has none. */
import { describe, expect, test } from 'vitest';
import type { InstallMachine } from '../scripts/browser-plan.mjs';
import { installByHand, planBrowserInstall } from '../scripts/browser-plan.mjs';

const DEBIAN: InstallMachine = {
  platform: 'linux',
  processor: 'x64',
  env: {},
  home: '/export/user',
  distribution: 'debian',
  isMusl: false,
  isRoot: true,
  hasSudo: false,
  managers: ['apt-get'],
};
const MACOS: InstallMachine = {
  ...DEBIAN,
  platform: 'darwin',
  processor: 'arm64',
  distribution: '',
  isRoot: false,
  managers: [],
};

function ways(machine: InstallMachine): string[] {
  return planBrowserInstall(machine).map(({ way }) => way);
}

function programs(machine: InstallMachine): string[] {
  return planBrowserInstall(machine)
    .flatMap(({ commands }) => commands)
    .map((command) => command.join(' '));
}

describe('a browser is installed', () => {
  test.each<[who: string, machine: InstallMachine, expected: string[]]>([
    ['root on Debian', DEBIAN, ['playwright', 'system', 'package']],
    [
      'a user with passwordless sudo',
      { ...DEBIAN, isRoot: false, hasSudo: true },
      ['playwright', 'system', 'package'],
    ],
    ['a user without sudo', { ...DEBIAN, isRoot: false }, ['playwright', 'package']],
    ['root without a package manager', { ...DEBIAN, managers: [] }, ['playwright', 'package']],
    ['root on Ubuntu', { ...DEBIAN, distribution: 'ubuntu' }, ['playwright', 'package']],
    ['root on an ARM server', { ...DEBIAN, processor: 'arm64' }, ['playwright', 'system']],
    [
      'root on Alpine',
      { ...DEBIAN, distribution: 'alpine', isMusl: true, managers: ['apk'] },
      ['system'],
    ],
    [
      'a user on Alpine',
      { ...DEBIAN, distribution: 'alpine', isMusl: true, isRoot: false, managers: ['apk'] },
      [],
    ],
    ['a user of macOS', MACOS, ['playwright']],
    ['an administrator of macOS with sudo', { ...MACOS, hasSudo: true }, ['playwright']],
    [
      'a user of Windows',
      { ...MACOS, platform: 'win32', processor: 'x64', home: 'C:\\Users\\user' },
      ['playwright'],
    ],
  ])('for %s', (_who, machine, expected) => {
    expect(ways(machine)).toEqual(expected);
  });

  test('never if the user forbids it', () => {
    expect(ways({ ...DEBIAN, env: { MICWIRE_INSTALL_BROWSER: 'no' } })).toEqual([]);
  });

  test('by root without sudo, and by others with a sudo that never prompts', () => {
    expect(programs(DEBIAN).slice(1)).toEqual([
      'apt-get update -q',
      'apt-get install -y -q --no-install-recommends chromium',
    ]);
    const user = { ...DEBIAN, isRoot: false, hasSudo: true, managers: ['dnf'] };
    expect(programs(user).slice(1)).toEqual(['sudo -n dnf install -y chromium']);
  });

  test('by commands that are not parsed by a shell', () => {
    for (const text of programs({ ...DEBIAN, managers: ['apt-get', 'dnf', 'apk'] })) {
      expect(text).not.toMatch(/[;&|<>$`'"\\]/);
    }
  });

  test('into the cache folder of the machine', () => {
    const { title } = planBrowserInstall({ ...DEBIAN, env: { XDG_CACHE_HOME: '/cache' } }).at(-1)!;
    expect(title).toContain('/cache/micwire/chromium-');
    expect(planBrowserInstall(DEBIAN).at(-1)!.title).toContain('/export/user/.cache/micwire');
  });
});

test('if no command is possible, one sentence says how to install it by hand', () => {
  expect(installByHand(MACOS)).toMatch(/google\.com\/chrome.*CHROME_PATH/);
  expect(installByHand(DEBIAN)).toMatch(/package manager.*CHROME_PATH/);
});
