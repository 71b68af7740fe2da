export { bundleCommand } from '../../scripts/command-process.mjs';
