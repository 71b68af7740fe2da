import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PlayoutOptions } from '../src/web/playout-options.ts';
import type {
  PlayoutInterruption,
  PlayoutMark,
  PlayoutPosition,
  PlayoutSkip,
} from '../src/web/playout-position.ts';
import { openPlayoutPort } from '../src/worker/playout-port.ts';
import type { PlayoutPort } from '../src/worker/playout-port.ts';
import { PlayoutPage, counted, counting } from './helpers/playout-page.ts';
import { firstDifference, firstSound, ramp } from './helpers/playout-rig.ts';
import { opusDataUrl } from './helpers/opus.ts';
import { seededRandom } from './helpers/random.ts';

const RATE = 24_000;
const STEP = 2 ** -20;
const cleanups: (() => unknown)[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const cleanup of cleanups.splice(0).toReversed()) void cleanup();
});

/** Lets messages of ports arrive; those of the node's come with `render`. */
async function arrive(): Promise<void> {
  for (let i = 0; i < 4; i++) await setImmediate();
}

/** A page whose playout a Worker writes to: the processor, the page and the Worker's part are real, the threads are not. */
class PortPage {
  readonly page: PlayoutPage;
  readonly port: PlayoutPort;
  /** What the page and the Worker were told. */
  readonly marks: PlayoutMark[] = [];
  readonly ended: PlayoutPosition[] = [];
  readonly skips: PlayoutSkip[] = [];
  readonly workerMarks: PlayoutMark[] = [];
  readonly workerEnded: PlayoutPosition[] = [];
  readonly workerInterrupted: PlayoutInterruption[] = [];
  closed = 0;

  private constructor(page: PlayoutPage) {
    this.page = page;
    const { playout } = page;
    let handover: unknown;
    const worker = { postMessage: (message: unknown) => void (handover = message) };
    playout.pipeFromWorker(worker as unknown as Worker);
    page.scope.deliver();
    this.port = openPlayoutPort(
      { data: handover },
      {
        onmark: (mark) => this.workerMarks.push(mark),
        onended: (position) => this.workerEnded.push(position),
        oninterrupted: (interruption) => this.workerInterrupted.push(interruption),
        onclosed: () => this.closed++,
      },
    )!;
    playout.addEventListener('mark', ({ detail }) => this.marks.push(detail));
    playout.addEventListener('ended', ({ detail }) => this.ended.push(detail));
    playout.addEventListener('skipped', ({ detail }) => this.skips.push(detail));
    cleanups.push(
      () => page.close(),
      () => this.port.close(),
      () => playout.close(),
    );
  }

  static async open(options: Partial<PlayoutOptions> = {}): Promise<PortPage> {
    return new PortPage(await PlayoutPage.open({ sampleRate: RATE, ...options }));
  }

  /** Renders, when what was posted has arrived, and lets the answers arrive. */
  async render(frames: number): Promise<Float32Array> {
    await arrive();
    const output = this.page.render(frames);
    await arrive();
    this.page.scope.deliver();
    return output;
  }
}

describe('a Worker that writes', () => {
  it('is heard bit for bit, and the page is informed of everything by name', async () => {
    const page = await PortPage.open();
    const { port } = page;
    const { playout } = page.page;
    expect(port).toMatchObject({ format: 's16', sampleRate: RATE, channels: 1 });
    const bytes = counting(5000);
    // Split in the middle of a frame.
    port.mark('early', { item: 'b', frames: 1 });
    expect(port.write(bytes.subarray(0, 2001), { item: 'a' })).toBe(1000);
    expect(port.write(bytes.subarray(2001, 6000), { item: 'a' })).toBe(2000);
    port.mark('here', { item: 'a' });
    port.write(bytes.subarray(6000), { item: 'b' });
    port.end('b');
    const first = await page.render(2048);
    const { item, frames, contextFrame } = playout.position;
    expect([item, frames]).toEqual(['a', contextFrame]);
    expect(frames).toBeGreaterThan(2048 - 640);
    expect(playout.state).toBe('playing');
    const rest = await page.render(4096);
    const output = Float32Array.from([...first, ...rest]);
    expect(firstDifference(output.subarray(0, 5000), counted(5000))).toBe(-1);
    expect(firstSound(output.subarray(5000))).toBe(-1);
    const marks = [
      { name: 'here', item: 'a', frames: 3000, contextFrame: 3000 },
      { name: 'early', item: 'b', frames: 1, contextFrame: 3001 },
    ];
    expect(page.marks).toEqual(marks);
    expect(page.workerMarks).toEqual(marks);
    expect(
      page.ended.map(({ item, frames, contextFrame }) => [item, frames, contextFrame]),
    ).toEqual([
      ['a', 3000, 3000],
      ['b', 2000, 5000],
    ]);
    expect(page.workerEnded).toEqual(page.ended);
    expect(playout.stats).toMatchObject({
      receivedFrames: 5000,
      playedFrames: 5000,
      bufferedFrames: 0,
      droppedFrames: 0,
      underruns: 0,
    });
  });

  it('writes without end: its buffers and its room are returned', async () => {
    const page = await PortPage.open({ maxBufferMs: 500 });
    const { port } = page;
    for (let i = 0; i < 40; i++) {
      expect(port.write(counting(6000), { item: 'a' })).toBe(6000);
      await page.render(6000);
    }
    expect(page.page.playout.stats.playedFrames).toBeGreaterThan(230_000);
  });

  it('and its page are informed of audio without room', async () => {
    const page = await PortPage.open({ maxBufferMs: 1000 });
    const { port } = page;
    expect(port.write(counting(30_000), { item: 'a', lostFrames: 7 })).toBe(RATE);
    expect(port.droppedFrames).toBe(6000);
    await page.render(128);
    expect(page.skips).toEqual([{ item: 'a', frames: 6000, ms: 250, reason: 'no-room' }]);
    expect(page.page.playout.stats).toMatchObject({ droppedFrames: 6000, lostFrames: 7 });
  });

  it('may have its marks set by the page, before an item begins and after', async () => {
    const page = await PortPage.open();
    const { playout } = page.page;
    playout.mark('early', { item: 'a', frames: 2000 });
    page.port.write(counting(3000), { item: 'a' });
    await page.render(128);
    playout.mark('passed', { item: 'a', frames: 100 });
    playout.mark('later', { item: 'a', frames: 2500 });
    await page.render(4000);
    expect(page.marks.map(({ name, contextFrame }) => [name, contextFrame])).toEqual([
      ['passed', 100],
      ['early', 2000],
      ['later', 2500],
    ]);
    expect(page.workerMarks).toEqual(page.marks);
  });

  it('must be the only writer, and the first', async () => {
    const page = await PortPage.open();
    const { playout } = page.page;
    expect(() => playout.write(counting(1))).toThrow(TypeError);
    expect(() => playout.end()).toThrow(TypeError);
    const worker = { postMessage: () => {} } as unknown as Worker;
    expect(() => playout.pipeFromWorker(worker)).toThrow(TypeError);
    const other = await PlayoutPage.open({ sampleRate: RATE });
    cleanups.push(() => other.close());
    other.playout.write(counting(1));
    expect(() => other.playout.pipeFromWorker(worker)).toThrow(TypeError);
    void other.playout.close();
    expect(() => other.playout.pipeFromWorker(worker)).toThrow('closed');
  });

  it('cannot write Opus, which is decoded by the page', async () => {
    const opusUrl = await opusDataUrl();
    const page = await PlayoutPage.open({ sampleRate: 48_000, format: 'opus', opusUrl });
    cleanups.push(() => page.close());
    const worker = { postMessage: () => {} } as unknown as Worker;
    expect(() => page.playout.pipeFromWorker(worker)).toThrow(/'opus'/);
  });
});

describe('an interrupt of the page', () => {
  it('silences the items that the Worker has written and still writes, and reports to both sides', async () => {
    const page = await PortPage.open();
    const { port } = page;
    const { playout } = page.page;
    port.write(counting(2000), { item: 'a' });
    port.write(counting(2000), { item: 'b' });
    await page.render(1024);
    const interruption = playout.interrupt();
    page.page.scope.deliver();
    // The Worker does not know of it yet; then it does.
    expect(port.write(counting(700), { item: 'b' })).toBe(700);
    await arrive();
    expect(port.write(counting(300), { item: 'b' })).toBe(0);
    port.write(counting(3000), { item: 'c' });
    port.end('c');
    const output = await page.render(4096);
    expect(await interruption).toMatchObject({ item: 'a', frames: 1143, unheard: ['b'] });
    expect(page.workerInterrupted).toEqual([await interruption]);
    // From the quantum after the fade's.
    expect(firstSound(output.subarray(119, 128))).toBe(-1);
    expect(firstDifference(output.subarray(256, 3128), counted(2872, 129))).toBe(-1);
    expect(page.ended.map(({ item }) => item)).toEqual(['c']);
    const { receivedFrames, playedFrames, interruptedFrames, droppedFrames } = playout.stats;
    expect([receivedFrames, playedFrames, interruptedFrames]).toEqual([7000, 4143, 2857]);
    expect(droppedFrames).toBe(1000);
    expect(port.droppedFrames).toBe(1000);
  });

  it('that is undone restores late audio, held audio, the marks and the end', async () => {
    const page = await PortPage.open({ format: 'f32' });
    const { port } = page;
    const { playout } = page.page;
    const signal = ramp(6000, 1, STEP);
    const write = (from: number, to: number): number => {
      return port.write(signal.subarray(from, to), { item: 'a' });
    };
    write(0, 3000);
    port.mark('taken', { item: 'a', frames: 2500 });
    await page.render(1024);
    const interruption = playout.interrupt();
    page.page.scope.deliver();
    expect(write(3000, 3500)).toBe(500);
    port.mark('on its way', { item: 'a' });
    await arrive();
    expect(write(3500, 5000)).toBe(0);
    await page.render(1024);
    const { frames } = await interruption;
    const undone = playout.undo();
    await Promise.resolve();
    page.page.scope.deliver();
    // Again before the Worker knows.
    write(5000, 6000);
    port.end('a');
    const output = await page.render(8192);
    expect(await undone).toBe(true);
    const heard = output.subarray(0, 6000 - frames).subarray(120);
    expect(firstDifference(heard, signal.subarray(frames + 120))).toBe(-1);
    expect(page.marks.map((mark) => [mark.name, mark.frames])).toEqual([
      ['taken', 2500],
      ['on its way', 3500],
    ]);
    expect(page.ended).toMatchObject([{ item: 'a', frames: 6000 }]);
    expect(playout.stats).toMatchObject({
      receivedFrames: 6000,
      playedFrames: 6000,
      interruptedFrames: 0,
      droppedFrames: 0,
    });
  });

  it('that is undone before the Worker knows of it loses no late audio', async () => {
    const page = await PortPage.open({ format: 'f32' });
    const { port } = page;
    const { playout } = page.page;
    const signal = ramp(6000, 1, STEP);
    const write = (from: number, to: number): number => {
      return port.write(signal.subarray(from, to), { item: 'a' });
    };
    write(0, 3000);
    await page.render(1024);
    const interruption = playout.interrupt({ fadeMs: 0 });
    page.page.scope.deliver();
    const { frames } = await interruption;
    const undone = playout.undo();
    await Promise.resolve();
    page.page.scope.deliver();
    write(3000, 4000);
    await arrive();
    write(4000, 6000);
    port.end('a');
    const output = await page.render(8192);
    expect(await undone).toBe(true);
    const heard = output.subarray(0, 6000 - frames).subarray(120);
    expect(firstDifference(heard, signal.subarray(frames + 120))).toBe(-1);
    expect(playout.stats).toMatchObject({ playedFrames: 6000, droppedFrames: 0 });
  });
});

describe('an interrupt of the Worker', () => {
  it('is answered with the frames heard, and the page may undo it', async () => {
    const page = await PortPage.open();
    const { port } = page;
    const { playout } = page.page;
    port.write(counting(4000), { item: 'a' });
    await page.render(1024);
    const interruption = port.interrupt({ fadeMs: 1 });
    const joined = port.interrupt();
    await page.render(256);
    const heard = await interruption;
    expect(await joined).toBe(heard);
    expect(heard).toMatchObject({ item: 'a', frames: 1047, ms: 43, contextFrame: 1047 });
    expect(page.workerInterrupted).toEqual([heard]);
    expect(port.write(counting(10), { item: 'a' })).toBe(0);
    const undone = playout.undo();
    for (let i = 0; i < 3; i++) await Promise.resolve();
    await page.render(256);
    expect(await undone).toBe(true);
    expect(playout.position.item).toBe('a');
  });

  it('is cut short if nothing is rendered, and gives up if nothing answers', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const page = await PortPage.open();
    page.port.write(counting(4000), { item: 'a' });
    await page.render(1024);
    const suspended = page.port.interrupt({ fadeMs: 1000 });
    await arrive();
    vi.advanceTimersByTime(2100);
    await arrive();
    expect(await suspended).toMatchObject({ item: 'a', frames: 1024 });
    // The processor is gone.
    page.page.node.port.postMessage({ type: 'close' });
    page.page.scope.deliver();
    const stalled = page.port.interrupt();
    vi.advanceTimersByTime(1200);
    vi.advanceTimersByTime(5200);
    await expect(stalled).rejects.toMatchObject({ code: 'stalled' });
  });
});

describe('the end', () => {
  it('of the page’s playout is reported to the Worker, and its later calls have no effect', async () => {
    const page = await PortPage.open();
    const { port } = page;
    port.write(counting(4000), { item: 'a' });
    await page.render(1024);
    const interruption = port.interrupt({ fadeMs: 1000 });
    interruption.catch(() => {});
    page.page.context.changeState('closed');
    await arrive();
    await expect(interruption).rejects.toMatchObject({ code: 'closed' });
    expect(page.closed).toBe(1);
    expect(port.write(counting(10))).toBe(0);
    expect(port.mark('x')).toBe(false);
    port.end();
    await expect(port.interrupt()).rejects.toMatchObject({ code: 'closed' });
    await port.close();
    expect(page.closed).toBe(1);
    expect(() => port.write(counting(10))).toThrow('closed');
    await expect(port.interrupt()).rejects.toMatchObject({ code: 'closed' });
    await expect(port.interrupt({ fadeMs: -1 })).rejects.toThrow(RangeError);
  });

  it('of the port lets the written audio play to its end', async () => {
    const page = await PortPage.open();
    const { port } = page;
    port.write(counting(4000), { item: 'a' });
    port.end('a');
    await arrive();
    const closing = port.close();
    expect(port.close()).toBe(closing);
    await page.render(5000);
    expect(page.ended).toMatchObject([{ item: 'a', frames: 4000 }]);
    expect(page.closed).toBe(0);
  });
});

it('ignores messages for anything else', () => {
  expect(openPlayoutPort({ data: null })).toBeUndefined();
  expect(openPlayoutPort({ data: { type: 'micwire-receiver' } })).toBeUndefined();
});

describe('any sequence of calls on both sides', () => {
  it('every frame of an item is heard once, in order, up to where it was interrupted', async () => {
    let interruptions = 0;
    let undos = 0;
    for (let seed = 1; seed <= 15; seed++) {
      const random = seededRandom(seed);
      const page = await PortPage.open({ format: 'f32' });
      const { port } = page;
      const { playout } = page.page;
      const upTo = (max: number): number => Math.floor(random() * max);
      const pieces: Float32Array[] = [];
      const render = async (frames: number): Promise<void> => {
        // Messages of the Worker arrive before, after, or not yet.
        const how = random();
        if (how < 0.5) await arrive();
        else if (how < 0.75) await setImmediate();
        pieces.push(page.page.render(frames));
        if (random() < 0.5) await arrive();
      };
      let item = 0;
      let frame = 0;
      const written: { frames: number }[] = [];
      /** Items that another one followed when they were interrupted: an undo brings back no more than was taken. */
      const left = new Set<string | undefined>();
      // What is late of an item cannot continue after another one: all of it has arrived when the next begins.
      const begin = async (): Promise<void> => {
        await arrive();
        await arrive();
        item = written.length;
        written.push({ frames: 0 });
      };
      await begin();
      const write = (): void => {
        const count = 1 + upTo(900);
        port.write(ramp(count, 1 + frame, STEP), { item: `${item}` });
        port.mark(`${item}`, { item: `${item}` });
        frame += count;
        written[item]!.frames += count;
      };
      for (let i = 0; i < 60; i++) {
        const action = random();
        if (action < 0.5) write();
        else if (action < 0.75) await render(1 + upTo(1500));
        else if (action < 0.82) {
          port.end(`${item}`);
          await begin();
        } else if (action < 0.92) {
          interruptions++;
          const fadeMs = upTo(2) * 5;
          const interrupted =
            random() < 0.5 ? playout.interrupt({ fadeMs }) : port.interrupt({ fadeMs });
          if (random() < 0.5) page.page.scope.deliver();
          if (random() < 0.5) write();
          if (random() < 0.4) {
            left.add(`${item}`);
            await begin();
            continue;
          }
          let done: boolean | undefined;
          const undone = interrupted.then(() => playout.undo());
          void undone.then((value) => (done = value));
          while (done === undefined) {
            if (random() < 0.3) write();
            await render(128);
          }
          if (done) undos++;
          else await begin();
        } else page.page.scope.deliver();
      }
      await arrive();
      port.end(`${item}`);
      for (let i = 0; i < 6; i++) pieces.push(await page.render(RATE / 2));
      const { stats } = playout;
      const message = `seed ${seed}`;
      expect(stats.bufferedFrames, message).toBe(0);
      expect(stats.receivedFrames, message).toBe(stats.playedFrames + stats.interruptedFrames);
      expect(stats.receivedFrames + stats.droppedFrames, message).toBe(frame);
      expect(stats.droppedFrames, message).toBe(port.droppedFrames);
      // Frames that are as they were written, in fades or not, follow one another.
      const output = Float32Array.from(pieces.flatMap((piece) => [...piece]));
      let last = 0;
      for (let i = 1; i < output.length; i++) {
        const number = output[i]! / STEP;
        if (number < 1 || !Number.isInteger(number)) continue;
        if (output[i - 1]! / STEP !== number - 1) continue;
        expect(number, message).toBeGreaterThan(last);
        last = number;
      }
      for (const position of page.ended) {
        if (left.has(position.item)) continue;
        const { frames } = written[Number(position.item)]!;
        expect(position.frames, `${message}, item ${position.item}`).toBe(frames);
      }
      expect(page.workerEnded, message).toEqual(page.ended);
    }
    expect(interruptions).toBeGreaterThan(60);
    expect(undos).toBeGreaterThan(20);
  });
});

describe('a Worker that cannot be sent the playout', () => {
  it.each<[string, unknown, RegExp]>([
    ['null', null, /first argument must be a Worker or a MessagePort, got null/],
    ['an object', {}, /first argument must be a Worker or a MessagePort, got an object/],
    [
      'one that refuses',
      {
        postMessage: () => {
          throw new DOMException('not cloned', 'DataCloneError');
        },
      },
      /^The Worker does not take the playout/,
    ],
  ])('leaves writing to the page: %s', async (_, wrong, message) => {
    const page = await PlayoutPage.open({ sampleRate: RATE });
    cleanups.push(() => page.close());
    expect(() => page.playout.pipeFromWorker(wrong as Worker)).toThrow(message);
    expect(page.playout.write(counting(500))).toBe(500);
    page.playout.end();
    expect(firstDifference(page.render(512).subarray(0, 500), counted(500))).toBe(-1);
  });
});

it('a Worker that is gone is reported, and the audio it wrote is played', async () => {
  vi.stubGlobal('navigator', {});
  cleanups.push(() => vi.unstubAllGlobals());
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  const page = await PlayoutPage.open({ sampleRate: RATE });
  cleanups.push(() => page.close());
  const { playout } = page;
  let handover: { control?: MessagePort } = {};
  const worker = { postMessage: (message: object) => void (handover = message) };
  playout.pipeFromWorker(worker as unknown as Worker);
  page.scope.deliver();
  const port = openPlayoutPort({ data: handover })!;
  cleanups.push(() => port.close());
  const errors: string[] = [];
  playout.addEventListener('error', ({ detail }) => errors.push(detail.code));
  port.write(counting(2000));
  port.end();
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 100) {
      await vi.advanceTimersByTimeAsync(100);
      await arrive();
    }
  };
  await pass(5000);
  expect(errors).toEqual([]);
  // It ends, and so does its end of the channel.
  handover.control!.close();
  await pass(2000);
  expect(errors).toEqual(['worker-gone']);
  expect(playout.state).not.toBe('closed');
  expect(firstDifference(page.render(2048).subarray(0, 2000), counted(2000))).toBe(-1);
});
