import { posix } from 'node:path';

/**
 * The last resort: a Chromium that an npm package carries, for Linux on x64. Fetched on demand into a cache folder; not a
 * dependency. The bytes are pinned, since a program is run that was not installed by the user.
 */
export const PACKAGED = {
  name: '@sparticuz/chromium',
  version: '153.0.0',
  integrity:
    'sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==',
  /** The program in its folder. */
  file: 'chromium',
};

/**
 * Where it is kept.
 *
 * @param {Pick<import('./find-browser.mjs').Machine, 'env' | 'home'>} machine
 */
export function packagedFolder({ env, home }) {
  const caches = env['XDG_CACHE_HOME'] ?? posix.join(home, '.cache');
  return posix.join(caches, `micwire/chromium-${PACKAGED.version}`);
}
