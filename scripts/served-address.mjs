import { relative, sep } from 'node:path';

/**
 * The path by which a page of Vite's server gets at a file of the repository: below the server's root, or by Vite's way to
 * files outside of it.
 *
 * @param {string} root The server's.
 * @param {string} file
 */
export function servedAddress(root, file) {
  const below = relative(root, file).replaceAll(sep, '/');
  if (!below.startsWith('..')) return `/${below}`;
  return `/@fs/${file.replaceAll(sep, '/').replace(/^\//, '')}`;
}
