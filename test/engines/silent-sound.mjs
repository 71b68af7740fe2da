import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './find-browser.mjs';
import { eventually, start } from './child.mjs';

/**
 * A sound device that nobody hears. Without any device Firefox leaves an AudioContext suspended for good; so where
 * pulseaudio is installed a private one is started, with a null sink. Elsewhere the machine's own device is used.
 *
 * @returns {Promise<{ env: Record<string, string>, stop: () => void }>}
 */
export async function startSilentSound() {
  const program = findProgram('pulseaudio');
  if (program === undefined) return { env: {}, stop: () => {} };
  const folder = mkdtempSync(join(tmpdir(), 'micwire-pulse-'));
  const socket = join(folder, 'native');
  const child = start(
    program,
    [
      ...['-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no', '--log-level=error'],
      ...['-L', 'module-null-sink sink_name=micwire'],
      ...['-L', `module-native-protocol-unix socket=${socket} auth-anonymous=1`],
    ],
    { env: { XDG_RUNTIME_DIR: folder, HOME: folder } },
  );
  const stop = () => {
    child.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await eventually(() => existsSync(socket), `pulseaudio did not start: ${child.output()}`);
  } catch (error) {
    stop();
    throw error;
  }
  return { env: { PULSE_SERVER: `unix:${socket}` }, stop };
}
