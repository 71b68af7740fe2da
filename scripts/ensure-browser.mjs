import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createBrotliDecompress } from 'node:zlib';
import {
  browserEnvironment,
  findBrowser,
  findProgram,
  isRoot,
  thisMachine,
} from '../test/engines/find-browser.mjs';
import { PACKAGED, packagedFolder } from '../test/engines/packaged-chromium.mjs';
import {
  INSTALL_VARIABLE,
  MANAGER_NAMES,
  installByHand,
  planBrowserInstall,
} from './browser-plan.mjs';
import { toolFile } from './run.mjs';

/** For one command of an installation. A slow line carries Playwright's 180 MB in that time. */
const COMMAND_LIMIT_MS = 10 * 60_000;
const SHORT_LIMIT_MS = 20_000;
/** Playwright tries a download five times, however it failed; the second time says the same. */
const PLAYWRIGHT_ERRORS = 2;

const execute = promisify(execFile);

/**
 * Makes sure that there is a Chromium which starts: finds one, or installs one and says what it does.
 *
 * @returns {Promise<string>} its path
 * @throws Error that says what to do
 */
export async function ensureBrowser() {
  const before = await startingBrowser();
  if (before.path !== undefined) return before.path;
  // What the user has named is the user's to put right.
  if (process.env['CHROME_PATH'] !== undefined) throw new Error(before.fault);
  console.log(before.fault);

  const machine = await installMachine();
  const steps = planBrowserInstall(machine);
  if (steps.length === 0) throw new Error(installByHand(machine));
  console.log(`Installing one. ${INSTALL_VARIABLE}=no prevents that.`);
  for (const [index, step] of steps.entries()) {
    console.log(`\n${index + 1} of ${steps.length}: ${step.title} …`);
    const started = performance.now();
    const problem = await take(step).catch((error) => String(error.message ?? error));
    const after = problem === undefined ? await startingBrowser() : { fault: problem };
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    if (after.path !== undefined) {
      console.log(`Installed in ${seconds} s.`);
      return after.path;
    }
    console.log(`That did not work (${seconds} s): ${after.fault}`);
  }
  throw new Error(`No browser could be installed. ${installByHand(machine)}`);
}

/** @returns {Promise<{ path?: string, fault: string }>} `fault`: why there is none */
async function startingBrowser() {
  try {
    const path = findBrowser('chromium');
    const fault = await startFault(path);
    return fault === undefined ? { path, fault: '' } : { fault };
  } catch (error) {
    // The rest of it says how to get one.
    const [sentence = ''] = /** @type {Error} */ (error).message.split('. ');
    return { fault: sentence.replace(/\.?$/, '.') };
  }
}

/**
 * Why a browser does not start. On Linux a download may lack the system's libraries; elsewhere `--version` opens a window.
 *
 * @param {string} path
 */
async function startFault(path) {
  if (process.platform !== 'linux') return undefined;
  try {
    await execute(path, ['--version'], {
      timeout: SHORT_LIMIT_MS * 3,
      env: browserEnvironment(path),
    });
    return undefined;
  } catch (error) {
    const { stderr, message } = /** @type {{ stderr?: string, message: string }} */ (error);
    const [line = ''] = (stderr || message).trim().split('\n');
    return `${path} does not start: ${line}`;
  }
}

/** @returns {Promise<import('./browser-plan.mjs').InstallMachine>} */
async function installMachine() {
  const { platform, env, home } = thisMachine();
  const release = platform === 'linux' ? read('/etc/os-release') : '';
  const header = /** @type {any} */ (process.report.getReport()).header;
  const canSudo =
    platform === 'linux' && !isRoot() && findProgram('sudo') !== undefined
      ? await execute('sudo', ['-n', 'true'], { timeout: SHORT_LIMIT_MS }).then(
          () => true,
          () => false,
        )
      : false;
  return {
    platform,
    processor: process.arch,
    env,
    home,
    distribution: /^ID="?([\w-]+)/m.exec(release)?.[1] ?? '',
    isMusl: platform === 'linux' && header?.glibcVersionRuntime === undefined,
    isRoot: isRoot(),
    hasSudo: canSudo,
    managers: MANAGER_NAMES.filter((name) => findProgram(name) !== undefined),
  };
}

/** @param {string} file */
function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/**
 * @param {import('./browser-plan.mjs').InstallStep} step
 * @returns {Promise<string | undefined>} what went wrong
 */
async function take({ way, commands }) {
  if (way === 'package') return installPackaged();
  for (const command of commands) {
    const problem = await follow(command);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/**
 * Runs a command. Of hundreds of lines that it may print, only an error is worth the reader's time.
 *
 * @param {import('./browser-plan.mjs').Command} command
 * @returns {Promise<string | undefined>} what went wrong
 */
function follow([program, ...args]) {
  const isPlaywright = program === 'playwright-core';
  const [file, ...before] = isPlaywright
    ? [process.execPath, toolFile('playwright-core', 'playwright-core')]
    : [program];
  return new Promise((resolve) => {
    const child = spawn(file, [...before, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        DEBIAN_FRONTEND: 'noninteractive',
        PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT: String(SHORT_LIMIT_MS),
      },
    });
    /** @type {string[]} */
    const errors = [];
    /** @param {Buffer} part */
    const onText = (part) => {
      const text = String(part);
      errors.push(...text.split('\n').filter((line) => /^(E|Error): /.test(line)));
      if (isPlaywright && errors.length >= PLAYWRIGHT_ERRORS) child.kill();
    };
    child.stdout.on('data', onText);
    child.stderr.on('data', onText);
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill();
    }, COMMAND_LIMIT_MS);
    child.on('error', ({ message }) => resolve(message));
    child.on('close', (code) => {
      clearTimeout(limit);
      if (code === 0) return resolve(undefined);
      if (late) return resolve(`it took longer than ${COMMAND_LIMIT_MS / 60_000} minutes.`);
      resolve(errors.at(-1) ?? `${program} ended with code ${code}.`);
    });
  });
}

/**
 * Fetches the package's tarball by npm, checks its bytes, and unpacks the program, its libraries and a font.
 *
 * @returns {Promise<string | undefined>} what went wrong
 */
async function installPackaged() {
  const folder = packagedFolder(thisMachine());
  await mkdir(dirname(folder), { recursive: true });
  const making = await mkdtemp(`${folder}-`);
  try {
    const { name, version, integrity } = PACKAGED;
    const pack = ['pack', `${name}@${version}`, '--json', '--pack-destination', making];
    const { stdout } = await execute('npm', pack, { timeout: COMMAND_LIMIT_MS });
    const [{ filename }] = /** @type {[{ filename: string }]} */ (
      Object.values(JSON.parse(stdout))
    );
    const tarball = join(making, filename);
    const bytes = await readFile(tarball);
    const digest = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
    if (digest !== integrity) return `${name} ${version} has other bytes than expected: ${digest}.`;
    await execute('tar', ['-xzf', tarball, '-C', making, '--no-same-owner']);
    const carried = join(making, 'package/bin');
    await inflate(join(carried, 'chromium.br'), join(making, PACKAGED.file), 0o755);
    for (const archive of ['al2023', 'fonts']) {
      const file = join(making, `${archive}.tar`);
      await inflate(join(carried, `${archive}.tar.br`), file, 0o644);
      await execute('tar', ['-xf', file, '-C', making, '--no-same-owner']);
      await rm(file);
    }
    await writeFile(join(making, 'fonts.conf'), fontsConfiguration(folder));
    await rm(tarball);
    await rm(join(making, 'package'), { recursive: true });
    await rm(folder, { recursive: true, force: true });
    await rename(making, folder);
    return undefined;
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/**
 * @param {string} from
 * @param {string} to
 * @param {number} mode
 */
function inflate(from, to, mode) {
  return pipeline(
    createReadStream(from),
    createBrotliDecompress(),
    createWriteStream(to, { mode }),
  );
}

/** The package's own names folders of a server. @param {string} folder */
function fontsConfiguration(folder) {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${folder}/fonts-cache</cachedir>
</fontconfig>
`;
}
