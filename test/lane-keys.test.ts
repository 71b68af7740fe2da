import { describe, expect, it } from 'vitest';
import { LANE_IDS, keyOf, laneOfKey } from '../demo/lanes/lane-ids.ts';

describe('number keys of lanes', () => {
  it('are 1 to 9, for the first nine lanes; further lanes have no key', () => {
    expect(LANE_IDS.length).toBeGreaterThan(9);
    expect(LANE_IDS.map(keyOf)).toEqual([
      ...['1', '2', '3', '4', '5', '6', '7', '8', '9'],
      ...LANE_IDS.slice(9).map(() => null),
    ]);
  });

  it('lead to the element of the lane', () => {
    for (const id of LANE_IDS.slice(0, 9)) expect(laneOfKey(keyOf(id)!)).toBe(id);
    for (const key of ['0', '10', 'a', '']) expect(laneOfKey(key)).toBeNull();
  });
});
