import { expect, it } from 'vitest';
import { WaveHistory } from '../src/core/metering/wave-history.ts';

it('a wave history keeps the lowest and the highest sample of every column, and forgets older ones', () => {
  const history = new WaveHistory({ seconds: 1, columnsPerSecond: 100, sampleRate: 8000 });
  const samples = new Float32Array(8000); // 1 s at 8 kHz
  samples[0] = 0.5;
  samples[79] = -0.25;
  samples[80] = 0.125;
  history.add(samples, 1);
  expect([history.low(0), history.high(0)]).toEqual([-0.25, 0.5]);
  expect([history.low(1), history.high(1)]).toEqual([0, 0.125]);
  history.add(Float32Array.of(0.75), 1.005); // column 100 takes the place of column 0
  expect(history.high(100)).toBe(0.75);
  expect([history.low(0), history.high(0)]).toEqual([0, 0]);
  expect(history.high(1)).toBe(0.125);
});

it('a wave history skips samples that it already has', () => {
  const history = new WaveHistory({ seconds: 1, columnsPerSecond: 1000, sampleRate: 1000 });
  history.add(Float32Array.of(0.1, 0.2, 0.3), 0.003);
  // As a window that moves by one sample; what it says of the others by now does not count.
  history.add(Float32Array.of(0.9, 0.9, 0.4), 0.004);
  history.add(Float32Array.of(0.9, 0.9, 0.9), 0.004);
  expect([0, 1, 2, 3].map((column) => history.high(column).toFixed(1))).toEqual([
    '0.1',
    '0.2',
    '0.3',
    '0.4',
  ]);
});
