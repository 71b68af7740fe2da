import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, posix, win32 } from 'node:path';
import { PACKAGED, packagedFolder } from './packaged-chromium.mjs';

/** @typedef {'chromium' | 'firefox' | 'webkit'} Engine */

/**
 * What a search needs to know of a machine. Tests describe other machines.
 *
 * @typedef {object} Machine
 * @property {string} platform - as `process.platform` has it
 * @property {Readonly<Record<string, string | undefined>>} env
 * @property {string} home
 * @property {(folder: string) => readonly string[]} list - the names in a folder; none where there is no such folder
 */

/**
 * Where each engine may be: an environment variable that overrides all, names to look for in PATH, and full paths.
 *
 * @type {Record<Engine, { variable: string, names: string[], paths: (machine: Machine) => string[] }>}
 */
const PLACES = {
  chromium: {
    variable: 'CHROME_PATH',
    names: [
      'chromium',
      'chromium-browser',
      'google-chrome-stable',
      'google-chrome',
      'chrome',
      'microsoft-edge-stable',
      'microsoft-edge',
      'msedge',
      'brave-browser',
    ],
    paths: (machine) => [
      ...macApps(machine, 'Google Chrome', 'Chromium', 'Microsoft Edge', 'Brave Browser'),
      ...windowsPrograms(
        machine,
        'Google/Chrome/Application/chrome.exe',
        'Chromium/Application/chrome.exe',
        'Microsoft/Edge/Application/msedge.exe',
      ),
      // Before Playwright's: it is there because Playwright's did not start.
      ...(machine.platform === 'linux' ? [posix.join(packagedFolder(machine), PACKAGED.file)] : []),
      ...playwrightChromium(machine),
    ],
  },
  firefox: {
    // Playwright's own Firefox is patched for another protocol, so it is not looked for.
    variable: 'FIREFOX_PATH',
    names: ['firefox-esr', 'firefox'],
    paths: (machine) => [
      ...(machine.platform === 'darwin'
        ? ['/Applications/Firefox.app/Contents/MacOS/firefox']
        : []),
      ...windowsPrograms(machine, 'Mozilla Firefox/firefox.exe'),
    ],
  },
  webkit: {
    variable: 'WEBKIT_MINIBROWSER',
    names: ['MiniBrowser'],
    paths: ({ platform }) =>
      platform !== 'linux'
        ? []
        : ['x86_64', 'aarch64'].flatMap((processor) => [
            `/usr/lib/${processor}-linux-gnu/webkit2gtk-4.1/MiniBrowser`,
            `/usr/lib/${processor}-linux-gnu/webkitgtk-6.0/MiniBrowser`,
            `/usr/lib/${processor}-linux-gnu/webkit2gtk-4.0/MiniBrowser`,
          ]),
  },
};

/** The one thing to do where an engine is missing. @type {Record<Engine, string>} */
const CURES = {
  chromium: 'No Chrome, Chromium or Edge was found. Install one, or let npm test install one',
  firefox: 'No Firefox was found. Install one with: apt-get install -y firefox-esr pulseaudio',
  webkit: 'No webkit was found. Install one with: apt-get install -y webkit2gtk-driver xvfb',
};

/** @returns {Machine} */
export function thisMachine() {
  return {
    platform: process.platform,
    env: process.env,
    home: homedir(),
    list: (folder) => {
      try {
        return readdirSync(folder);
      } catch {
        return [];
      }
    },
  };
}

/**
 * Every place where an engine may be on a machine, in the order in which they are tried.
 *
 * @param {Engine} engine
 * @param {Machine} machine
 * @returns {string[]}
 */
export function browserPlaces(engine, machine) {
  const { names, paths } = PLACES[engine];
  return [...names.flatMap((name) => inPath(name, machine)), ...paths(machine)];
}

/**
 * The path of an installed browser.
 *
 * @param {Engine} engine
 * @returns {string}
 * @throws Error that says how to get one
 */
export function findBrowser(engine) {
  const { variable } = PLACES[engine];
  const given = process.env[variable];
  if (given !== undefined) {
    if (isProgram(given)) return given;
    throw new Error(`${variable} is set to ${given}, which is not a program.`);
  }
  const found = browserPlaces(engine, thisMachine()).find(isProgram);
  if (found !== undefined) return found;
  throw new Error(
    `${CURES[engine]}\n(or set ${variable} to the path of one that is somewhere else).`,
  );
}

/**
 * The environment in which a browser starts: the Chromium of an npm package brings libraries and fonts that a machine may
 * lack.
 *
 * @param {string} executable
 * @returns {Record<string, string>}
 */
export function browserEnvironment(executable) {
  const folder = dirname(executable);
  const inherited = /** @type {Record<string, string>} */ ({ ...process.env });
  if (folder !== packagedFolder(thisMachine())) return inherited;
  const libraries = [join(folder, 'lib'), process.env['LD_LIBRARY_PATH'] ?? ''];
  return {
    ...inherited,
    FONTCONFIG_PATH: folder,
    LD_LIBRARY_PATH: libraries.filter((part) => part !== '').join(':'),
  };
}

/**
 * Whether a browser can use its sandbox: not for the superuser, and not on Linux from a cache folder. The system lets only
 * browsers that it has installed make one.
 *
 * @param {string} executable
 */
export function hasSandbox(executable) {
  const { platform, home, env } = thisMachine();
  const caches = [join(home, '.cache'), env['XDG_CACHE_HOME'], env['PLAYWRIGHT_BROWSERS_PATH']];
  const isCached = caches.some((folder) => folder !== undefined && executable.startsWith(folder));
  return !isRoot() && !(platform === 'linux' && isCached);
}

/** @param {string} name */
export function findProgram(name) {
  return inPath(name, thisMachine()).find(isProgram);
}

/**
 * Where PATH has a program. On Windows PATHEXT says which names are programs; only those are taken that start without a shell.
 *
 * @param {string} name
 * @param {Machine} machine
 */
function inPath(name, { platform, env }) {
  const windows = platform === 'win32';
  // A copy of Windows' environment tells cases apart, unlike the environment itself.
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(windows ? ';' : ':');
  const endings = windows
    ? (env['PATHEXT'] ?? '.EXE').split(';').filter((ending) => /^\.(com|exe)$/i.test(ending))
    : [''];
  return folders
    .filter((folder) => folder !== '')
    .flatMap((folder) =>
      endings.map((ending) =>
        (windows ? win32 : posix).join(folder, `${name}${ending.toLowerCase()}`),
      ),
    );
}

/**
 * @param {Machine} machine
 * @param {string[]} names
 */
function macApps({ platform, home }, ...names) {
  if (platform !== 'darwin') return [];
  return ['/Applications', posix.join(home, 'Applications')].flatMap((folder) =>
    names.map((name) => posix.join(folder, `${name}.app/Contents/MacOS/${name}`)),
  );
}

/**
 * @param {Machine} machine
 * @param {string[]} files
 */
function windowsPrograms({ platform, env }, ...files) {
  if (platform !== 'win32') return [];
  return ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((variable) => {
    const folder = env[variable];
    return folder === undefined ? [] : files.map((file) => win32.join(folder, file));
  });
}

/**
 * Chromiums that Playwright downloaded, newest first.
 *
 * @param {Machine} machine
 */
function playwrightChromium({ platform, env, home, list }) {
  const paths = platform === 'win32' ? win32 : posix;
  const caches =
    platform === 'darwin'
      ? paths.join(home, 'Library/Caches')
      : platform === 'win32'
        ? (env['LOCALAPPDATA'] ?? home)
        : (env['XDG_CACHE_HOME'] ?? paths.join(home, '.cache'));
  const root = env['PLAYWRIGHT_BROWSERS_PATH'] ?? paths.join(caches, 'ms-playwright');
  const inside = [
    'chrome-linux/chrome',
    'chrome-linux64/chrome',
    'chrome-mac/Chromium.app/Contents/MacOS/Chromium',
    'chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
    'chrome-mac-x64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
    'chrome-win/chrome.exe',
    'chrome-win64/chrome.exe',
  ];
  const folders = list(root).filter((name) => /^chromium-\d+$/.test(name));
  const build = (/** @type {string} */ name) => Number(name.slice('chromium-'.length));
  return folders
    .toSorted((a, b) => build(b) - build(a))
    .flatMap((folder) => inside.map((file) => paths.join(root, folder, file)));
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Whether this process is the superuser: browsers then refuse to use their sandbox. */
export function isRoot() {
  return process.getuid?.() === 0;
}
