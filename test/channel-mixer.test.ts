import { describe, expect, it } from 'vitest';
import { ChannelMixer } from '../src/core/dsp/channel-mixer.ts';
import { seededRandom } from './helpers/random.ts';

const r = Math.SQRT1_2;

/** Web Audio §4.2: [input channels, one input frame, output channels, the frame expected]. */
const MIXES: readonly (readonly [number[], number[]])[] = [
  // Up-mixing
  [[0.5], [0.5, 0.5]],
  [[0.5], [0.5, 0.5, 0, 0]],
  [[0.5], [0, 0, 0.5, 0, 0, 0]],
  [
    [0.1, 0.2],
    [0.1, 0.2, 0, 0],
  ],
  [
    [0.1, 0.2],
    [0.1, 0.2, 0, 0, 0, 0],
  ],
  [
    [0.1, 0.2, 0.3, 0.4],
    [0.1, 0.2, 0, 0, 0.3, 0.4],
  ],
  // Down-mixing
  [[0.1, 0.2], [0.5 * (0.1 + 0.2)]],
  [[0.1, 0.2, 0.3, 0.4], [0.25 * (0.1 + 0.2 + 0.3 + 0.4)]],
  [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [r * (0.1 + 0.2) + 0.3 + 0.5 * (0.5 + 0.6)]],
  [
    [0.1, 0.2, 0.3, 0.4],
    [0.5 * (0.1 + 0.3), 0.5 * (0.2 + 0.4)],
  ],
  [
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    [0.1 + r * (0.3 + 0.5), 0.2 + r * (0.3 + 0.6)],
  ],
  [
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    [0.1 + r * 0.3, 0.2 + r * 0.3, 0.5, 0.6],
  ],
  // The same count is copied
  [
    [0.1, 0.2],
    [0.1, 0.2],
  ],
  // No speaker layout: discrete
  [[0.1, 0.2, 0.3], [0.1]],
  [
    [0.1, 0.2, 0.3],
    [0.1, 0.2, 0.3, 0],
  ],
  [[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], [0.1]],
  [[0.5], [0.5, 0, 0]],
  // No input
  [[], [0, 0]],
];

describe('ChannelMixer', () => {
  it.each(MIXES)('Web Audio §4.2: %j becomes %j', (input, expected) => {
    const mixer = new ChannelMixer({ outputChannels: expected.length });
    const output = expected.map(() => Float32Array.of(7, 7, 7));
    mixer.mix(
      input.map((sample) => Float32Array.of(9, sample)),
      1,
      1,
      output,
      1,
    );
    output.forEach((channel, c) => {
      expect(channel[0]).toBe(7);
      expect(channel[1]).toBeCloseTo(expected[c]!, 6);
      expect(channel[2]).toBe(7);
    });
  });

  it('accepts a new channel count at every call', () => {
    const random = seededRandom(5);
    const mixer = new ChannelMixer({ outputChannels: 2 });
    for (let run = 0; run < 200; run++) {
      const channels = Math.floor(random() * 33);
      const input = Array.from({ length: channels }, (_, c) => new Float32Array(8).fill(c + 1));
      const output = [new Float32Array(8).fill(NaN), new Float32Array(8).fill(NaN)];
      mixer.mix(input, 0, 8, output, 0);
      for (const channel of output) expect(channel.every((sample) => sample >= 0)).toBe(true);
      if (channels === 0) expect(output[0]![7]).toBe(0);
    }
  });

  it('refuses a count out of range', () => {
    expect(() => new ChannelMixer({ outputChannels: 0 })).toThrow(RangeError);
    expect(() => new ChannelMixer({ outputChannels: 33 })).toThrow(RangeError);
  });
});
