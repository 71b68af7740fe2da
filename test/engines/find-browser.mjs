import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** @typedef {'chromium' | 'firefox' | 'webkit'} Engine */

/**
 * Where each engine may be: an environment variable that overrides all, names to look for in PATH, and full paths.
 * `install` is the one command that gets it.
 *
 * @type {Record<Engine, { variable: string, names: string[], paths: () => string[], install: () => string }>}
 */
const PLACES = {
  chromium: {
    variable: 'CHROME_PATH',
    names: [
      'chromium',
      'chromium-browser',
      'google-chrome-stable',
      'google-chrome',
      'microsoft-edge-stable',
      'microsoft-edge',
      'brave-browser',
    ],
    paths: () => [
      ...macApp('Google Chrome', 'Chromium', 'Microsoft Edge', 'Brave Browser'),
      ...windowsPrograms(
        'Google/Chrome/Application/chrome.exe',
        'Chromium/Application/chrome.exe',
        'Microsoft/Edge/Application/msedge.exe',
      ),
      ...playwrightChromium(),
    ],
    install: () =>
      process.platform === 'linux' && isRoot()
        ? 'apt-get install -y chromium'
        : 'npx playwright-core install chromium',
  },
  firefox: {
    // Playwright's own Firefox is patched for another protocol, so it is not looked for.
    variable: 'FIREFOX_PATH',
    names: ['firefox-esr', 'firefox'],
    paths: () => [
      '/Applications/Firefox.app/Contents/MacOS/firefox',
      ...windowsPrograms('Mozilla Firefox/firefox.exe'),
    ],
    install: () => 'apt-get install -y firefox-esr pulseaudio',
  },
  webkit: {
    variable: 'WEBKIT_MINIBROWSER',
    names: ['MiniBrowser'],
    paths: () =>
      ['x86_64', 'aarch64'].flatMap((machine) => [
        `/usr/lib/${machine}-linux-gnu/webkit2gtk-4.1/MiniBrowser`,
        `/usr/lib/${machine}-linux-gnu/webkitgtk-6.0/MiniBrowser`,
        `/usr/lib/${machine}-linux-gnu/webkit2gtk-4.0/MiniBrowser`,
      ]),
    install: () => 'apt-get install -y webkit2gtk-driver xvfb',
  },
};

/**
 * The path of an installed browser.
 *
 * @param {Engine} engine
 * @returns {string}
 * @throws Error that names the one command which installs a browser
 */
export function findBrowser(engine) {
  const { variable, names, paths, install } = PLACES[engine];
  const given = process.env[variable];
  if (given !== undefined) {
    if (isProgram(given)) return given;
    throw new Error(`${variable} is set to ${given}, which is not a program.`);
  }
  const found = [...names.flatMap(inPath), ...paths()].find(isProgram);
  if (found !== undefined) return found;
  throw new Error(
    `No ${engine === 'chromium' ? 'Chrome, Chromium or Edge' : engine} was found. ` +
      `Install one with: ${install()}\n(or set ${variable} to the path of one that is somewhere else).`,
  );
}

/** @param {string} name */
export function findProgram(name) {
  return inPath(name).find(isProgram);
}

/** @param {string} name */
function inPath(name) {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  return (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, file));
}

/** @param {string[]} names */
function macApp(...names) {
  if (process.platform !== 'darwin') return [];
  return ['/Applications', join(homedir(), 'Applications')].flatMap((folder) =>
    names.map((name) => join(folder, `${name}.app/Contents/MacOS/${name}`)),
  );
}

/** @param {string[]} files */
function windowsPrograms(...files) {
  return ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((variable) => {
    const folder = process.env[variable];
    return folder === undefined ? [] : files.map((file) => join(folder, file));
  });
}

/** Chromiums that Playwright downloaded, newest first. */
function playwrightChromium() {
  const caches =
    process.platform === 'darwin'
      ? join(homedir(), 'Library/Caches')
      : process.platform === 'win32'
        ? (process.env['LOCALAPPDATA'] ?? homedir())
        : join(homedir(), '.cache');
  const root = process.env['PLAYWRIGHT_BROWSERS_PATH'] ?? join(caches, 'ms-playwright');
  const inside = [
    'chrome-linux/chrome',
    'chrome-linux64/chrome',
    'chrome-mac/Chromium.app/Contents/MacOS/Chromium',
    'chrome-mac-arm64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
    'chrome-mac-x64/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing',
    'chrome-win/chrome.exe',
    'chrome-win64/chrome.exe',
  ];
  /** @type {string[]} */
  let folders = [];
  try {
    folders = readdirSync(root).filter((name) => /^chromium-\d+$/.test(name));
  } catch {
    // Playwright was never used here.
  }
  const build = (/** @type {string} */ name) => Number(name.slice('chromium-'.length));
  folders.sort((a, b) => build(b) - build(a));
  return folders.flatMap((folder) => inside.map((file) => join(root, folder, file)));
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
