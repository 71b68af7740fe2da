import { afterEach, describe, expect, it } from 'vitest';
import { encodeBase64 } from '../src/core/base64/base64.ts';
import type { PlayoutPosition } from '../src/web/playout-position.ts';
import type { PlayoutOptions } from '../src/web/playout-options.ts';
import { PlayoutPage, counted, counting } from './helpers/playout-page.ts';
import { firstDifference, firstSound } from './helpers/playout-rig.ts';
import { seededRandom } from './helpers/random.ts';

const RATE = 24_000;
let pages: PlayoutPage[] = [];
afterEach(() => {
  for (const page of pages) page.close();
  pages = [];
});

async function open(options: Partial<PlayoutOptions> = {}, rate = RATE): Promise<PlayoutPage> {
  const page = await PlayoutPage.open({ sampleRate: RATE, backlog: 'keep', ...options }, rate);
  pages.push(page);
  return page;
}

/** Collects `'ended'` positions. */
function ended(page: PlayoutPage): PlayoutPosition[] {
  const list: PlayoutPosition[] = [];
  page.playout.addEventListener('ended', ({ detail }) => list.push(detail));
  return list;
}

describe('write', () => {
  it('accepts bytes split anywhere, as views, buffers and Base64, and plays them bit for bit', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = seededRandom(seed);
      const page = await open();
      const bytes = counting(5000);
      let frames = 0;
      for (let at = 0; at < bytes.length;) {
        const to = Math.min(bytes.length, at + 1 + Math.floor(random() * (seed < 4 ? 5 : 900)));
        const chunk = bytes.slice(at, to);
        at = to;
        const how = random();
        if (how < 0.3) frames += page.playout.write(chunk);
        else if (how < 0.6) frames += page.playout.write(chunk.buffer);
        else frames += page.playout.write(encodeBase64(chunk));
      }
      expect(frames).toBe(5000);
      page.playout.end();
      const output = page.render(6000);
      expect(firstDifference(output.subarray(0, 5000), counted(5000))).toBe(-1);
      expect(firstSound(output.subarray(5000))).toBe(-1);
    }
  });

  it('accepts typed arrays by their bytes', async () => {
    const page = await open();
    const samples = Int16Array.from({ length: 300 }, (_, i) => i - 99);
    page.playout.write(samples.subarray(100));
    page.playout.end();
    const output = page.render(200);
    expect(firstDifference(output.subarray(0, 200), counted(200))).toBe(-1);
  });

  it('leaves the caller’s bytes alone', async () => {
    const { playout } = await open();
    const bytes = counting(100);
    playout.write(bytes);
    expect(bytes).toEqual(counting(100));
  });

  it('does not carry an odd byte from one item to the next', async () => {
    const page = await open();
    const bytes = counting(300);
    page.playout.write(bytes.subarray(0, 201), { item: 'a' });
    page.playout.write(bytes.subarray(200), { item: 'b' });
    page.playout.end('b');
    const output = page.render(1000);
    expect(firstDifference(output.subarray(0, 300), counted(300))).toBe(-1);
  });

  it('accepts as much as maxBufferMs has room for, and returns how much', async () => {
    const page = await open({ maxBufferMs: 1000 });
    const { playout } = page;
    expect(playout.write(counting(20_000))).toBe(20_000);
    expect(playout.write(counting(10_000))).toBe(4000);
    expect(playout.write(counting(10_000))).toBe(0);
    expect(playout.stats.droppedFrames).toBe(16_000);
    page.render(12_000);
    const taken = playout.write(counting(20_000));
    expect(taken).toBeGreaterThan(11_000);
    expect(taken).toBeLessThanOrEqual(12_000);
    page.render(1000);
    expect(playout.stats.bufferedFrames).toBeLessThanOrEqual(24_000);
  });

  it('makes room for a reply of minutes that arrives at once', async () => {
    const page = await open();
    const piece = counting(24_000);
    for (let i = 0; i < 100; i++) expect(page.playout.write(piece)).toBe(24_000);
    page.playout.end();
    const list = ended(page);
    const output = page.render(24_000 * 100 + 1000);
    for (let i = 0; i < 100; i++) {
      const second = output.subarray(i * 24_000, (i + 1) * 24_000);
      expect(firstDifference(second, counted(24_000))).toBe(-1);
    }
    expect(list.map(({ frames }) => frames)).toEqual([2_400_000]);
  });

  it('refuses text that is not Base64, and other types', async () => {
    const { playout } = await open();
    expect(() => playout.write('not base64!')).toThrow(
      expect.objectContaining({ name: 'PacketError', reason: 'bad-base64' }),
    );
    expect(() => playout.write(5 as unknown as string)).toThrow(TypeError);
    expect(playout.write(counting(2))).toBe(2);
  });
});

describe('items', () => {
  it('end one by one, when their last frame was rendered', async () => {
    const page = await open();
    const list = ended(page);
    page.playout.write(counting(1000), { item: 'a' });
    page.playout.write(counting(500), { item: 'b' });
    page.render(896);
    expect(list).toEqual([]);
    // Reported every 20 ms, by whole quanta.
    const { item, frames, seconds, ms, contextFrame } = page.playout.position;
    expect(item).toBe('a');
    expect(frames).toBeGreaterThan(896 - 480 - 128);
    expect(frames).toBe(contextFrame);
    expect(seconds).toBe(frames / RATE);
    expect(ms).toBe(Math.floor(frames / 24));
    page.render(128);
    expect(list.map(({ item, frames }) => [item, frames])).toEqual([['a', 1000]]);
    page.playout.end('a');
    page.render(600);
    expect(list).toHaveLength(1);
    expect(page.playout.stats.underruns).toBe(1);
    page.playout.end('b');
    page.render(128);
    expect(list.map(({ item }) => item)).toEqual(['a', 'b']);
  });
});

describe('interrupt', () => {
  it('reports how far each item was heard and which were not, and silences them', async () => {
    const page = await open({}, 48_000);
    const { playout } = page;
    playout.write(counting(1000), { item: 'a' });
    playout.write(counting(20_000), { item: 'b' });
    playout.write(counting(1000), { item: 'c' });
    page.render(9600);
    const interruption = playout.interrupt();
    const joined = playout.interrupt();
    const output = page.render(9600);
    // 5 ms at 48 kHz.
    expect(firstSound(output.subarray(240))).toBe(-1);
    const heard = await interruption;
    expect(heard).toMatchObject({ item: 'b', frames: 3920, skippedFrames: 0, unheard: ['c'] });
    expect(heard.ms).toBe(163);
    expect(await joined).toBe(heard);
    expect(playout.position.item).toBe(undefined);
    expect(playout.stats.interruptedFrames).toBe(22_000 - 4920);
    expect(playout.stats.bufferedFrames).toBe(0);
  });

  it('keeps late audio of the interrupted item silent, and plays the next item', async () => {
    const page = await open();
    const { playout } = page;
    playout.write(counting(2000), { item: 'a' });
    page.render(1000);
    void playout.interrupt();
    page.render(256);
    expect(playout.write(counting(500), { item: 'a' })).toBe(0);
    expect(playout.stats.droppedFrames).toBe(500);
    playout.write(counting(3000), { item: 'b' });
    playout.end('a');
    const output = page.render(3000);
    expect(firstDifference(output.subarray(200, 2000), counted(1800, 201))).toBe(-1);
    expect(playout.position.item).toBe('b');
    // After its end the name is free.
    playout.end('b');
    page.render(256);
    expect(playout.write(counting(500), { item: 'a' })).toBe(500);
  });

  it('that is undone continues to the item’s end, including late audio', async () => {
    const page = await open();
    const { playout } = page;
    const list = ended(page);
    const bytes = counting(6000);
    playout.write(bytes.subarray(0, 4001), { item: 'a' });
    page.render(1000);
    const interruption = playout.interrupt({ fadeMs: 10 });
    page.render(1024);
    playout.write(bytes.subarray(4001), { item: 'a' });
    playout.end('a');
    const { frames } = await interruption;
    const undone = playout.undo();
    await Promise.resolve();
    const output = page.render(7000);
    expect(await undone).toBe(true);
    expect(playout.stats.droppedFrames).toBe(0);
    const from = firstSound(output);
    const rest = output.subarray(from, from + 6000 - frames);
    expect(firstDifference(rest.subarray(120), counted(6000 - frames - 120, frames + 121))).toBe(
      -1,
    );
    expect(list.map((position) => [position.item, position.frames])).toEqual([['a', 6000]]);
    expect(playout.stats.interruptedFrames).toBe(0);
  });

  it('rejects a wrong option, as pause does', async () => {
    const { playout } = await open();
    await expect(playout.interrupt({ fadeMs: 1001 })).rejects.toThrow(RangeError);
    await expect(playout.interrupt({ fade: 1 } as never)).rejects.toThrow(/playout\.interrupt/);
  });

  it('waits for an undo under way', async () => {
    const page = await open();
    const { playout } = page;
    playout.write(counting(20_000), { item: 'a' });
    page.render(1024);
    const first = playout.interrupt();
    page.render(256);
    const { frames } = await first;
    const undone = playout.undo();
    await Promise.resolve();
    const second = playout.interrupt();
    page.render(256);
    expect(await undone).toBe(true);
    await Promise.resolve();
    page.render(512);
    expect(await second).toMatchObject({ item: 'a' });
    expect((await second).frames).toBeGreaterThan(frames);
    expect(playout.stats.interruptedFrames).toBe(20_000 - (await second).frames);
    const again = playout.undo();
    await Promise.resolve();
    page.render(128);
    expect(await again).toBe(true);
    expect(playout.stats.interruptedFrames).toBe(0);
  });

  it('has effect at once while the context is suspended', async () => {
    const page = await open();
    page.playout.write(counting(2000), { item: 'a' });
    page.render(1024);
    page.context.state = 'suspended';
    const interruption = page.playout.interrupt();
    page.scope.deliver();
    expect(await interruption).toMatchObject({ item: 'a', frames: 1024 });
    expect(page.playout.stats.bufferedFrames).toBe(0);
  });

  it('cannot be undone after a second, without an interrupt, or when a newer item plays', async () => {
    const page = await open();
    const { playout } = page;
    expect(await playout.undo()).toBe(false);
    playout.write(counting(9000), { item: 'a' });
    page.render(1000);
    void playout.interrupt();
    page.render(RATE + 512);
    const late = playout.undo();
    await Promise.resolve();
    page.render(128);
    expect(await late).toBe(false);
    playout.write(counting(9000), { item: 'b' });
    page.render(1000);
    void playout.interrupt();
    page.render(256);
    playout.write(counting(9000), { item: 'c' });
    page.render(1000);
    const overtaken = playout.undo();
    await Promise.resolve();
    page.render(128);
    expect(await overtaken).toBe(false);
    expect(playout.position.item).toBe('c');
  });
});

describe('reports', () => {
  it('arrive at most 60 times a second, and not while nothing changes', async () => {
    const page = await open({}, 48_000);
    let reports = 0;
    page.node.port.addEventListener('message', ({ data }) => {
      if ((data as { readonly type: string }).type === 'report') reports++;
    });
    page.playout.write(counting(24_000));
    page.playout.end();
    page.render(48_000);
    expect(reports).toBeGreaterThan(40);
    expect(reports).toBeLessThanOrEqual(60);
    page.render(4800);
    const before = reports;
    page.render(48_000);
    expect(reports).toBe(before);
  });

  it('account for every frame: received = played + skipped + interrupted + buffered', async () => {
    const page = await open({ backlog: 'catch-up' });
    const random = seededRandom(3);
    for (let i = 0; i < 200; i++) {
      if (random() < 0.6) page.playout.write(counting(Math.floor(random() * 2000)));
      if (random() < 0.05) void page.playout.interrupt();
      page.render(random() * 1500);
      const { stats } = page.playout;
      const { receivedFrames, playedFrames, skippedFrames, interruptedFrames } = stats;
      expect(receivedFrames).toBe(
        playedFrames + skippedFrames + interruptedFrames + stats.bufferedFrames,
      );
      expect(stats.bufferedMs).toBeCloseTo(stats.bufferedFrames / 24, 9);
    }
    expect(page.playout.stats.interruptedFrames).toBeGreaterThan(0);
  });

  it('update the state', async () => {
    const page = await open();
    const states: string[] = [];
    page.playout.addEventListener('statechange', () => states.push(page.playout.state));
    page.playout.write(counting(100));
    page.render(1000);
    page.playout.write(counting(2000));
    page.playout.end();
    page.render(1024);
    page.render(4096);
    void page.playout.close();
    expect(states).toEqual(['buffering', 'playing', 'idle', 'closed']);
  });
});

describe('the node', () => {
  it('is connected by the page only', async () => {
    const page = await open();
    const destination = {} as AudioNode;
    expect(page.calls).toEqual([]);
    expect(page.playout.connect(destination)).toBe(destination);
    page.playout.disconnect();
    expect(page.calls).toEqual(['connect', 'disconnect']);
  });

  it('has the channels of the audio, or as many as outputChannels says', async () => {
    for (const outputChannels of [1, 2, 6]) {
      const page = await open({ channels: 2, outputChannels });
      page.playout.write(counting(2000));
      page.playout.end();
      page.render(256);
      const channels = page.node.outputs[0]!;
      expect(channels).toHaveLength(outputChannels);
      // Frames 128 … 255 of interleaved left 1, 3, 5 … and right 2, 4, 6 …; a mono output is their mean.
      const left = channels[0]![0]! * 32_768;
      expect(left).toBe(outputChannels === 1 ? 257.5 : 257);
    }
  });
});

describe('close', () => {
  it('ends the processor, disconnects the node and rejects pending calls', async () => {
    const page = await open();
    const { playout } = page;
    playout.write(counting(5000));
    page.render(1000);
    const interruption = playout.interrupt();
    void playout.close();
    await expect(interruption).rejects.toMatchObject({ code: 'closed' });
    page.render(256);
    expect(page.node.alive).toBe(false);
    expect(page.calls).toEqual(['disconnect']);
    expect(() => playout.write(counting(1))).toThrow('closed');
    await expect(playout.interrupt()).rejects.toMatchObject({ code: 'closed' });
    void playout.close();
  });

  it('happens by itself when the context is closed', async () => {
    const page = await open();
    page.context.changeState('suspended');
    expect(page.playout.state).toBe('idle');
    page.context.changeState('closed');
    expect(page.playout.state).toBe('closed');
    expect(() => page.playout.write(counting(1))).toThrow('closed');
  });

  it('happens by itself when the processor throws', async () => {
    const { playout } = await open();
    const errors: string[] = [];
    playout.addEventListener('error', ({ detail }) => errors.push(detail.code));
    playout.node.onprocessorerror!(new Event('processorerror') as ErrorEvent);
    expect(errors).toEqual(['processor-error']);
    expect(playout.state).toBe('closed');
  });
});

describe('options', () => {
  it.each([
    [{ sampleRate: 100 }, RangeError],
    [{ sampleRate: 24_000.5 }, RangeError],
    [{ channels: 0 }, RangeError],
    [{ format: 'u16' as 's16' }, TypeError],
    [{ targetDelayMs: -1 }, RangeError],
    [{ targetDelayMs: Number.NaN }, RangeError],
    [{ maxBufferMs: 0 }, RangeError],
    [{ backlog: 'drop' as 'keep' }, TypeError],
    [{ outputChannels: 33 }, RangeError],
    [{ quality: 'best' as 'hq' }, TypeError],
  ])('refuse %o', async (options, error) => {
    await expect(PlayoutPage.open({ sampleRate: RATE, ...options })).rejects.toThrow(error);
  });
});
