/** Matches the folders of files that a page fetches by address. */
const MOVED = /\/node_modules\/(?=(?:worklets|worker|wasm)\/[\w-]+\.\w+$)/;

/**
 * Returns the address of a file of this package.
 *
 * Vite 5 to 7, in development, serves the modules of packages from `node_modules/.vite/deps`, two folders below `node_modules`, as
 * this module is below `dist`; the files that the modules refer to are not moved.
 */
export function packageFile(beside: URL): string {
  return beside.href.replace(MOVED, '/node_modules/micwire/dist/');
}
