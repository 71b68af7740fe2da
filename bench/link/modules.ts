/** What the benchmark of the simulated network uses of it. */
export { LinkClient } from '../../demo/link/link-client.ts';
export { LinkProcess } from '../../demo/link/link-process.ts';
export { PRESETS } from '../../demo/link/settings.ts';
