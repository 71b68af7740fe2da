import { findProgram } from './find-browser.mjs';
import { startSoundServer } from './sound-server.mjs';

/**
 * A sound device that nobody hears. Without any device Firefox leaves an AudioContext suspended for good; so where
 * pulseaudio is installed a private one is started, with a null sink. Elsewhere the machine's own device is used.
 *
 * @returns {Promise<{ env: Record<string, string>, stop: () => void }>}
 */
export async function startSilentSound() {
  return findProgram('pulseaudio') === undefined ? { env: {}, stop: () => {} } : startSoundServer();
}
