import { afterEach, describe, expect, it } from 'vitest';
import { MicwireError } from '../src/core/errors.ts';
import { PlayoutPage, counted, counting } from './helpers/playout-page.ts';
import { PlayoutRig, sine, steepest } from './helpers/playout-rig.ts';

const RATE = 24_000;
const QUANTUM = 128;
/** Of the default, 5 ms. */
const FADE = 120;

let page: PlayoutPage;

afterEach(() => page.close());

async function open(contextRate = RATE): Promise<PlayoutPage> {
  page = await PlayoutPage.open({ sampleRate: RATE, targetDelayMs: 0 }, contextRate);
  return page;
}

/** Pauses, and renders until that is done. */
async function pause(options?: { readonly fadeMs?: number }): Promise<Float32Array> {
  const paused = page.playout.pause(options);
  const output = page.render(2 * QUANTUM);
  await paused;
  return output;
}

describe('a playout that is paused', () => {
  it('is silent within a quantum and the fade, and resumes with the first frame that was not heard', async () => {
    const { playout } = await open();
    playout.write(counting(6000), { item: 'a' });
    page.render(QUANTUM);
    const fade = await pause();
    // The last frame of the fade has no gain left.
    const heard = QUANTUM + FADE - 1;
    expect(fade.findLastIndex((sample) => sample !== 0)).toBe(FADE - 2);
    expect(playout.state).toBe('paused');
    expect(playout.position).toMatchObject({ item: 'a', frames: heard });
    expect(page.render(10 * QUANTUM)).toEqual(new Float32Array(10 * QUANTUM));
    expect(playout.position).toMatchObject({ item: 'a', frames: heard });
    await playout.resume();
    const output = page.render(4 * QUANTUM);
    expect(playout.state).toBe('playing');
    // A fade-in of 5 ms, then the samples as they were written.
    expect(output.subarray(FADE)).toEqual(counted(4 * QUANTUM - FADE, heard + FADE + 1));
    expect(Math.abs(output[0]!)).toBeLessThan(counted(1, heard + 1)[0]! / 100);
    expect(playout.stats).toMatchObject({ receivedFrames: 6000, underruns: 0, skippedFrames: 0 });
  });

  it('holds marks and ends back, and reports each in the quantum in which it is heard', async () => {
    const { playout } = await open();
    const told: unknown[] = [];
    for (const type of ['mark', 'ended'] as const) {
      playout.addEventListener(type, ({ detail }) => told.push([type, detail.contextFrame]));
    }
    playout.write(counting(1000), { item: 'a' });
    playout.end('a');
    playout.mark('word', { item: 'a', frames: 600 });
    page.render(QUANTUM);
    await pause();
    page.render(20 * QUANTUM);
    expect(told).toEqual([]);
    const from = 23 * QUANTUM;
    await playout.resume();
    page.render(1000);
    const heard = QUANTUM + FADE - 1;
    expect(told).toEqual([
      ['mark', from + 600 - heard],
      ['ended', from + 1000 - heard],
    ]);
  });

  it('counts no underrun, and accepts new audio', async () => {
    const { playout } = await open();
    await pause();
    expect(playout.state).toBe('paused');
    playout.write(counting(300), { item: 'a' });
    expect(page.render(10 * QUANTUM)).toEqual(new Float32Array(10 * QUANTUM));
    expect(playout.stats).toMatchObject({ bufferedFrames: 300, underruns: 0, underrunFrames: 0 });
    await playout.resume();
    // What begins with its item needs no fade.
    expect(page.render(2 * QUANTUM)).toEqual(counted(2 * QUANTUM));
  });

  it('does not count the pause as part of an earlier underrun', async () => {
    const { playout } = await open();
    playout.write(counting(QUANTUM), { item: 'a' });
    page.render(10 * QUANTUM);
    const before = playout.stats;
    expect(before.underruns).toBe(1);
    await pause();
    const { underrunFrames } = playout.stats;
    page.render(50 * QUANTUM);
    expect(playout.stats.underrunFrames).toBe(underrunFrames);
  });

  it('continues without a gap when it is resumed before its fade is over', async () => {
    const { playout } = await open();
    playout.write(counting(6000), { item: 'a' });
    page.render(QUANTUM);
    const paused = playout.pause({ fadeMs: 100 });
    page.render(2 * QUANTUM);
    await playout.resume();
    await paused;
    page.render(QUANTUM);
    expect(playout.state).toBe('playing');
    expect(page.render(QUANTUM)).toEqual(counted(QUANTUM, 4 * QUANTUM + 1));
  });

  it('is paused after pause, resume and pause in one task', async () => {
    const { playout } = await open();
    playout.write(counting(6000), { item: 'a' });
    page.render(QUANTUM);
    void playout.pause();
    void playout.resume();
    await pause();
    expect(playout.state).toBe('paused');
    expect(page.render(QUANTUM)).toEqual(new Float32Array(QUANTUM));
  });

  it('plays audio that was due at once, and audio after an item’s end once it has waited for the target', async () => {
    page = await PlayoutPage.open({ sampleRate: RATE, targetDelayMs: 100 });
    const { playout } = page;
    playout.write(counting(RATE / 5), { item: 'a' });
    page.render(RATE / 8);
    await pause();
    const { frames } = playout.position;
    // Less than the target delay is left.
    expect(playout.stats.bufferedFrames).toBeGreaterThan(2 * QUANTUM);
    expect(playout.stats.bufferedFrames).toBeLessThan(RATE / 10);
    await playout.resume();
    const rest = page.render(2 * QUANTUM);
    expect(rest.subarray(FADE)).toEqual(counted(2 * QUANTUM - FADE, frames + FADE + 1));
    // It plays to the end, which is a pause in what is sent.
    page.render(RATE / 5);
    await pause();
    playout.write(counting(500), { item: 'b' });
    await playout.resume();
    expect(page.render(5 * QUANTUM)).toEqual(new Float32Array(5 * QUANTUM));
    expect(playout.state).toBe('buffering');
  });

  it('plays an undone item at once', async () => {
    page = await PlayoutPage.open({ sampleRate: RATE, targetDelayMs: 100 });
    const { playout } = page;
    playout.write(counting(RATE / 5), { item: 'a' });
    page.render(RATE / 8);
    await pause();
    const interruption = playout.interrupt();
    page.render(QUANTUM);
    const { frames } = await interruption;
    const undone = playout.undo();
    await Promise.resolve();
    page.render(QUANTUM);
    expect(await undone).toBe(true);
    await playout.resume();
    const rest = page.render(2 * QUANTUM);
    expect(rest.subarray(FADE)).toEqual(counted(2 * QUANTUM - FADE, frames + FADE + 1));
    // What comes after an interrupt waits as usual.
    await pause();
    const again = playout.interrupt();
    page.render(QUANTUM);
    await again;
    playout.write(counting(500), { item: 'b' });
    await playout.resume();
    expect(page.render(5 * QUANTUM)).toEqual(new Float32Array(5 * QUANTUM));
    expect(playout.state).toBe('buffering');
  });

  it('can be interrupted, and stays paused', async () => {
    const { playout } = await open();
    playout.write(counting(6000), { item: 'a' });
    page.render(QUANTUM);
    await pause();
    const interruption = playout.interrupt();
    page.render(QUANTUM);
    expect(await interruption).toMatchObject({ item: 'a', frames: QUANTUM + FADE - 1 });
    playout.write(counting(500), { item: 'b' });
    expect(page.render(4 * QUANTUM)).toEqual(new Float32Array(4 * QUANTUM));
    expect(playout.state).toBe('paused');
    await playout.resume();
    expect(page.render(4 * QUANTUM).subarray(FADE, 500)).toEqual(counted(380, FADE + 1));
    expect(playout.position.item).toBe('b');
  });

  it('restores an interrupted item without playing it', async () => {
    const { playout } = await open();
    playout.write(counting(6000), { item: 'a' });
    page.render(QUANTUM);
    const interruption = playout.interrupt();
    const paused = pause();
    const { frames } = await interruption;
    await paused;
    const undone = playout.undo();
    await Promise.resolve();
    expect(page.render(4 * QUANTUM)).toEqual(new Float32Array(4 * QUANTUM));
    expect(await undone).toBe(true);
    expect(playout.position).toMatchObject({ item: 'a', frames });
    await playout.resume();
    page.render(QUANTUM);
    expect(playout.position).toMatchObject({ item: 'a', frames: frames + QUANTUM });
  });

  it('needs no quantum if the context is not running', async () => {
    const { playout } = await open();
    playout.write(counting(6000), { item: 'a' });
    page.render(QUANTUM);
    page.context.state = 'suspended';
    const first = playout.pause();
    page.scope.deliver();
    await first;
    expect(playout.position.frames).toBe(QUANTUM);
    await playout.resume();
    page.context.state = 'running';
    page.render(2 * QUANTUM);
    // A context that stops during the fade ends it.
    const second = playout.pause({ fadeMs: 1000 });
    page.render(QUANTUM);
    page.context.changeState('suspended');
    page.scope.deliver();
    await second;
    expect(playout.position.frames).toBe(4 * QUANTUM);
  });

  it('refuses a wrong fade, and rejects when it is closed', async () => {
    const { playout } = await open();
    await expect(playout.pause({ fadeMs: 1001 })).rejects.toThrow(RangeError);
    await expect(playout.pause({ fade: 1 } as never)).rejects.toThrow(/playout\.pause/);
    playout.write(counting(6000));
    page.render(QUANTUM);
    const paused = playout.pause();
    void playout.close();
    const closed = expect.objectContaining({ code: 'closed' });
    await expect(paused).rejects.toEqual(closed);
    await expect(playout.pause()).rejects.toBeInstanceOf(MicwireError);
    await expect(playout.resume()).rejects.toEqual(closed);
  });
});

describe('a player that is paused', () => {
  it.each([24_000, 48_000, 44_100])(
    'stops and continues without a click at %i Hz',
    (contextRate) => {
      const rig = new PlayoutRig({ sampleRate: RATE, contextRate });
      rig.write(0, sine(4 * RATE, 300, RATE));
      rig.render(contextRate * 0.02, 128);
      for (let i = 0; i < 20; i++) {
        rig.player.pause(contextRate * 0.005);
        rig.render(contextRate * 0.037, 128);
        expect(rig.player.state).toBe('paused');
        rig.player.resume();
        rig.render(contextRate * 0.031, 128);
        expect(rig.player.state).toBe('playing');
      }
      const own = steepest(sine(1000, 300, RATE)) * (RATE / contextRate);
      const fade = (0.5 * Math.PI) / 2 / (contextRate * 0.005);
      expect(steepest(rig.rendered().subarray(128))).toBeLessThan(own + fade);
      expect(rig.underruns).toBe(0);
      expect(rig.unaccounted).toBe(0);
    },
  );

  it('catches up afterwards with a live stream that was not paused', () => {
    const rig = new PlayoutRig({ sampleRate: RATE, targetFrames: 1440, backlog: 'catch-up' });
    let at = 0;
    const live = (seconds: number): void => {
      for (const end = at + seconds * RATE; at < end; at += 480) {
        rig.write(0, sine(480, 300, RATE, at));
        rig.render(480, 120);
      }
    };
    live(1);
    rig.player.pause(FADE);
    live(3);
    expect(rig.player.timeline.buffered).toBeGreaterThan(3 * RATE);
    rig.player.resume();
    live(3);
    expect(rig.player.timeline.buffered).toBeLessThan(0.15 * RATE);
    expect(rig.player.timeline.skipped).toBeGreaterThan(2.5 * RATE);
  });
});
