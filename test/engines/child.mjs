import { spawn } from 'node:child_process';

/**
 * Starts a program that ends with this process at the latest, whatever ends it.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ readonly env?: Record<string, string> }} [options] - `env` is added to this process's own
 */
export function start(program, args, { env = {} } = {}) {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  /** @param {Buffer | string} part */
  const append = (part) => {
    text = (text + String(part)).slice(-10_000);
  };
  child.stdout.on('data', append);
  child.stderr.on('data', append);
  child.on('error', (error) => append(error.message));
  const stop = () => {
    process.off('exit', stop);
    child.kill('SIGTERM');
  };
  process.on('exit', stop);
  return { stop, output: () => text };
}

/**
 * Polls until `condition` holds.
 *
 * @param {() => unknown} condition - may return a promise; a rejection counts as "not yet"
 * @param {string} complaint - the error's message after 20 s
 */
export async function eventually(condition, complaint) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const holds = await Promise.resolve()
      .then(condition)
      .catch(() => false);
    if (holds) return;
    if (Date.now() > deadline) throw new Error(complaint);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Waits for something to end, but not longer than 10 s.
 *
 * @param {() => unknown} end - may return a promise; a rejection counts as the end
 * @param {() => void} [force] - called when it takes longer
 */
export async function endOr(end, force = () => {}) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => {
      force();
      resolve(undefined);
    }, 10_000);
  });
  await Promise.race([
    Promise.resolve()
      .then(end)
      .catch(() => {}),
    late,
  ]);
  clearTimeout(timer);
}
