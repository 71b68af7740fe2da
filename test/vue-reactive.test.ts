/** What docs/embedding.md says about Vue. */
import { isReactive, markRaw, reactive, ref, shallowRef } from '@vue/reactivity';
import { describe, expect, test } from 'vitest';
import { Resampler } from '../src/core/resampler/index.ts';
import {
  Capture,
  LoopbackTransport,
  Meter,
  Microphone,
  Playout,
  Receiver,
  Recorder,
  Session,
  Speaker,
} from '../src/web/index.ts';

const OPTIONS = { inputRate: 48_000, outputRate: 16_000 } as const;
const run = (resampler: Resampler): number =>
  resampler.process([new Float32Array(480)], [new Float32Array(480)]);

describe('in deep reactive state', () => {
  test('an object with private fields throws at once, and does not compute wrong values', () => {
    const state = reactive({ resampler: new Resampler(OPTIONS) });
    expect(isReactive(state.resampler)).toBe(true);
    expect(() => run(state.resampler as Resampler)).toThrow(TypeError);
    expect(() => run(state.resampler as Resampler)).toThrow(/private member/);
    expect(() => run(ref(new Resampler(OPTIONS)).value as Resampler)).toThrow(/private member/);
  });

  test('an EventTarget, like all classes of a page, is not wrapped and works', async () => {
    const transport = LoopbackTransport.create();
    const state = reactive({ transport, list: [transport] });
    expect(isReactive(state.transport)).toBe(false);
    expect(state.transport).toBe(transport);
    expect(ref(transport).value).toBe(transport);
    await state.transport.opened;
    expect(state.list[0]!.send('a')).toBe(true);
    await state.transport.close();
    for (const page of [
      Capture,
      Meter,
      Microphone,
      Playout,
      Receiver,
      Recorder,
      Session,
      Speaker,
    ]) {
      expect(page.prototype).toBeInstanceOf(EventTarget);
    }
  });

  test('it works after markRaw, and in a shallowRef', () => {
    const state = reactive({ resampler: markRaw(new Resampler(OPTIONS)) });
    expect(isReactive(state.resampler)).toBe(false);
    const frames = run(new Resampler(OPTIONS));
    expect(frames).toBeGreaterThan(0);
    expect(run(state.resampler)).toBe(frames);
    expect(run(shallowRef(new Resampler(OPTIONS)).value)).toBe(frames);
  });
});
