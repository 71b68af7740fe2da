import { findProgram } from './find-browser.mjs';
import { startSoundServer } from './sound-server.mjs';

/**
 * A sound device that nobody hears. Without any device Firefox leaves an AudioContext suspended for good; so where
 * pulseaudio is installed a private one is started, with a null sink. Elsewhere the machine's own device is used.
 *
 * @returns {Promise<{ env: Record<string, string>, stop: () => void }>}
 */
export async function startSilentSound() {
  if (findProgram('pulseaudio') === undefined) return { env: {}, stop: () => {} };
  // A rate at which the tone of Firefox's fake microphone, 1 kHz, repeats only after 10 ms: tests find delays by it.
  return startSoundServer({ sampleRate: 44_100 });
}
