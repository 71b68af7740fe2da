/**
 * Entry of the meters' WebAssembly module: the arithmetic over a block of audio. The host lays out the memory and gives
 * addresses in bytes; channels lie `stride` bytes apart, an even number of them, and each block is followed by at least
 * 16 readable bytes.
 */
export { clean, mix, move, scan, thin } from './block';
export { charge, energy } from './recursions';
export { truePeak } from './true-peak';
