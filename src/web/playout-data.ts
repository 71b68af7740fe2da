export type { PlayoutData } from '../core/playout/playout-data.ts';
