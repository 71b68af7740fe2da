/** The C library for which a package was compiled: `"libc": ["glibc"],`. */
const LIBC = /\n +"libc": \[[^\]]*\],?/g;

/**
 * Takes the fields out of a lock file that npm 11 writes for packages which it adds, and that npm 10 removes whenever it
 * installs. No version of npm changes a lock file without them; `npm install` and `npm ci` then install the binaries for both
 * C libraries on Linux, which costs some megabytes.
 *
 * @param {string} text
 */
export function trimLock(text) {
  return text.replace(LIBC, '');
}
