export { WorkProcess } from '../../scripts/command-process.mjs';
