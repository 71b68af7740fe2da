/** Every lane of the lab, in the order of the table: the names that addresses, command lines and files use. */
export const LANE_IDS = [
  'pcm-json-ws',
  'pcm-binary-ws',
  'opus-json-ws',
  'opus-binary-ws',
  'opus-rtp-dc',
  'opus-rtp-dc-red',
  'opus-rtp-wt',
  'recorder-json-ws',
  'webrtc',
  'webrtc-red',
] as const;

/** Name of a lane. */
export type LaneId = (typeof LANE_IDS)[number];
