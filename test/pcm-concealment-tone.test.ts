import { describe, expect, it } from 'vitest';
import { PcmConcealment } from '../src/core/receive/pcm-concealment.ts';

describe('a gap in a tone', () => {
  /** 5 ms are no whole number of frames here, nor are 10 ms: lengths are rounded up. */
  const RATE = 11_025;
  const GROW = 111;
  const SILENT = 662;
  const PERIOD = 45;
  const tone = Float32Array.from(
    { length: 4000 },
    (_, i) => 0.5 * Math.sin((2 * Math.PI * i) / PERIOD),
  );
  const AT = 2000;

  it('is the tone for 10 ms, then fades, and is silence from 60 ms on', () => {
    const concealment = new PcmConcealment(RATE, 1);
    const output = tone.slice();
    concealment.begin([output], AT);
    for (let done = 0; done < 700; done += 70) concealment.conceal([output], AT + done, 70);
    for (let i = 0; i < SILENT; i++) {
      const gain = i < GROW ? 1 : 1 - (i - GROW) / (SILENT - GROW);
      expect(Math.abs(output[AT + i]! - gain * tone[AT + i]!)).toBeLessThan(1e-5);
    }
    expect(output.subarray(AT + SILENT, AT + 700).every((sample) => sample === 0)).toBe(true);
    expect([concealment.concealedFrames, concealment.silentFrames]).toEqual([700, 700 - SILENT]);
    concealment.conceal([output], AT + 700, 50);
    expect(concealment.silentFrames).toBe(50);
  });

  it('ends with a fade within 4 ms, in one piece or in several', () => {
    const concealment = new PcmConcealment(RATE, 1);
    expect(concealment.mergeFrames).toBe(45);
    for (const pieces of [[45], [2, 30, 13], [100]]) {
      const output = tone.slice();
      concealment.begin([output], AT);
      concealment.conceal([output], AT, 50);
      output.fill(0, AT + 50);
      let at = AT + 50;
      for (const frames of pieces) {
        expect(concealment.mergeLeft).toBe(AT + 95 - at);
        at += concealment.merge([output], at, frames);
      }
      expect([at, concealment.mergeLeft]).toEqual([AT + 95, 0]);
      expect([concealment.concealedFrames, concealment.silentFrames]).toEqual([95, 0]);
      for (let i = 0; i < 100; i++) {
        const fall = i < 45 ? Math.cos((Math.PI * (i + 0.5)) / (2 * 45)) ** 2 : 0;
        expect(Math.abs(output[AT + 50 + i]! - fall * tone[AT + 50 + i]!)).toBeLessThan(1e-5);
      }
    }
  });

  it('with a background turns into that as the tone fades', () => {
    const noise = Float32Array.from({ length: 600 }, (_, i) => (i % 2 === 0 ? 0.001 : -0.001));
    const differences = [600, 100].map((from) => {
      const concealment = new PcmConcealment(RATE, 1);
      concealment.noise.listen([noise], 20, 500);
      const output = tone.slice();
      concealment.begin([output], AT);
      concealment.conceal([output], AT, SILENT);
      const added = output.subarray(AT + from - 100, AT + from).map((sample, i) => {
        const at = from - 100 + i;
        const gain = at < GROW ? 1 : 1 - (at - GROW) / (SILENT - GROW);
        return sample - gain * tone[AT + at]!;
      });
      return Math.sqrt(added.reduce((sum, one) => sum + one * one, 0) / added.length);
    });
    expect(differences[0]).toBeGreaterThan(0.0003);
    expect(differences[1]).toBeLessThan(1e-5);
  });
});
