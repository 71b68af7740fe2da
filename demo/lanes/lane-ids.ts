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

/** Lanes that have a number key, 1 to 9: the first ones. */
const KEYS = 9;

/** The key that hears a lane; null: it has none. */
export function keyOf(id: LaneId): string | null {
  const number = LANE_IDS.indexOf(id) + 1;
  return number <= KEYS ? String(number) : null;
}

/** The lane that a key hears; null: none. */
export function laneOfKey(key: string): LaneId | null {
  return LANE_IDS.find((id) => keyOf(id) === key) ?? null;
}
