export { ServeProcess } from '../../scripts/command-process.mjs';
