/** The folders of files that a page fetches by address. */
const MOVED = /\/node_modules\/(?=(?:worklets|worker|wasm)\/[\w-]+\.\w+$)/;

/**
 * The address of a file of this package.
 *
 * Vite 5 to 7, in development, serves the modules of packages from `node_modules/.vite/deps`, two folders below
 * `node_modules` as this one is below `dist`; the files that they name stay where they are.
 */
export function packageFile(beside: URL): string {
  return beside.href.replace(MOVED, '/node_modules/micwire/dist/');
}
