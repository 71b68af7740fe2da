export { CommandProcess, bundleCommand } from '../../scripts/command-process.mjs';
