import type { LaneId } from './lane-ids.ts';

/** How a lane is told from the others: by its colour, and by its shape and the dashes of its line as well. */
export interface LaneMark {
  /** Name of a custom property of the page. Lanes of a family share it. */
  readonly colour: string;
  /** In a box of 10 by 10. */
  readonly shape: string;
  /** Whether only the outline is drawn. */
  readonly hollow: boolean;
  /** Of its line in charts: lengths of strokes and gaps; none for a full line. */
  readonly dash: readonly number[];
}

const SQUARE = 'M1.5 1.5h7v7h-7z';
const CIRCLE = 'M5 1a4 4 0 1 1 0 8a4 4 0 1 1 0-8z';
const DIAMOND = 'M5 .5L9.5 5L5 9.5L.5 5z';
const TRIANGLE = 'M5 1L9.3 8.8H.7z';
const FULL: readonly number[] = [];
const LONG: readonly number[] = [8, 4];
const SHORT: readonly number[] = [3, 3];
const MIXED: readonly number[] = [8, 3, 2, 3];

/** The marks. Colours after Okabe & Ito (2008). */
export const LANE_MARKS: Readonly<Record<LaneId, LaneMark>> = {
  'pcm-json-ws': { colour: '--lane-pcm', shape: SQUARE, hollow: true, dash: LONG },
  'pcm-binary-ws': { colour: '--lane-pcm', shape: SQUARE, hollow: false, dash: FULL },
  'opus-json-ws': { colour: '--lane-opus', shape: CIRCLE, hollow: true, dash: LONG },
  'opus-binary-ws': { colour: '--lane-opus', shape: CIRCLE, hollow: false, dash: FULL },
  'opus-rtp-dc': { colour: '--lane-opus', shape: DIAMOND, hollow: true, dash: SHORT },
  'opus-rtp-dc-red': { colour: '--lane-opus', shape: DIAMOND, hollow: false, dash: MIXED },
  'recorder-json-ws': { colour: '--lane-recorder', shape: SQUARE, hollow: false, dash: SHORT },
  webrtc: { colour: '--lane-webrtc', shape: TRIANGLE, hollow: false, dash: FULL },
  'webrtc-red': { colour: '--lane-webrtc', shape: TRIANGLE, hollow: true, dash: LONG },
};
