import { PACKAGED, packagedFolder } from '../test/engines/packaged-chromium.mjs';

/**
 * What decides how a browser can be installed. Tests describe other machines.
 *
 * @typedef {object} InstallMachine
 * @property {string} platform - as `process.platform` has it
 * @property {string} processor - as `process.arch` has it
 * @property {Readonly<Record<string, string | undefined>>} env
 * @property {string} home
 * @property {string} distribution - `ID` of /etc/os-release; empty elsewhere
 * @property {boolean} isMusl - whether its programs use musl instead of glibc, as on Alpine
 * @property {boolean} isRoot
 * @property {boolean} hasSudo - whether sudo asks no password
 * @property {readonly string[]} managers - those of {@link MANAGERS} that are in PATH
 */

/**
 * A program and its arguments: no shell reads them.
 *
 * @typedef {readonly [program: string, ...args: string[]]} Command
 */

/**
 * @typedef {object} InstallStep
 * @property {'playwright' | 'system' | 'package'} way
 * @property {string} title - what it does, for the user
 * @property {readonly Command[]} commands - one after the other, until one fails; none for `package`
 */

/**
 * Package managers whose Chromium is the real one, and how to install it without a question. Not here: Ubuntu's apt-get, whose
 * chromium only starts a snap; pacman, which must upgrade the whole system first; Homebrew and winget, since Playwright serves
 * macOS and Windows, and Windows comes with Edge.
 *
 * @type {Readonly<Record<string, readonly Command[]>>}
 */
const MANAGERS = {
  'apt-get': [
    ['apt-get', 'update', '-q'],
    ['apt-get', 'install', '-y', '-q', '--no-install-recommends', 'chromium'],
  ],
  dnf: [['dnf', 'install', '-y', 'chromium']],
  apk: [['apk', 'add', '--no-cache', 'chromium']],
};

export const MANAGER_NAMES = Object.keys(MANAGERS);

/** The name of the environment variable that forbids to install a browser, with `no`. */
export const INSTALL_VARIABLE = 'MICWIRE_INSTALL_BROWSER';

/**
 * The ways to get a Chromium on a machine that has none, best first.
 *
 * @param {InstallMachine} machine
 * @returns {readonly InstallStep[]} none where the user forbids it, or nothing is known to work
 */
export function planBrowserInstall(machine) {
  if (machine.env[INSTALL_VARIABLE] === 'no') return [];
  return [...playwright(machine), ...system(machine), ...packaged(machine)];
}

/** @param {InstallMachine} machine @returns {InstallStep[]} */
function playwright({ isMusl }) {
  // Its builds need glibc.
  if (isMusl) return [];
  const install = /** @type {const} */ (['playwright-core', 'install', '--no-shell', 'chromium']);
  return [{ way: 'playwright', title: 'Playwright’s Chromium, about 180 MB', commands: [install] }];
}

/** @param {InstallMachine} machine @returns {InstallStep[]} */
function system({ platform, distribution, isRoot, hasSudo, managers }) {
  if (platform !== 'linux' || !(isRoot || hasSudo)) return [];
  const manager = managers.find((name) => !(name === 'apt-get' && distribution === 'ubuntu'));
  if (manager === undefined) return [];
  const commands = (MANAGERS[manager] ?? []).map((command) =>
    isRoot ? command : /** @type {Command} */ (['sudo', '-n', ...command]),
  );
  return [
    {
      way: 'system',
      title: `Chromium by ${manager}, for the whole system; this takes minutes`,
      commands,
    },
  ];
}

/** @param {InstallMachine} machine @returns {InstallStep[]} */
function packaged({ platform, processor, isMusl, env, home }) {
  if (platform !== 'linux' || processor !== 'x64' || isMusl) return [];
  const { name, version } = PACKAGED;
  const title = `the Chromium of the npm package ${name} ${version}, 70 MB, into ${packagedFolder({ env, home })}`;
  return [{ way: 'package', title, commands: [] }];
}

/**
 * What to do by hand where no way is left.
 *
 * @param {InstallMachine} machine
 */
export function installByHand({ platform }) {
  const sources = {
    darwin: 'from google.com/chrome',
    win32: 'from google.com/chrome',
  };
  const source = sources[/** @type {'darwin'} */ (platform)] ?? 'with your package manager';
  return `Install Chrome or Chromium ${source}, or set CHROME_PATH to the path of one. npm test -- --project node needs none.`;
}
