import { describe, expect, it } from 'vitest';
import type { PlayoutCommand, PlayoutEvent } from '../src/core/messages.ts';
import { PlayoutEngine } from '../src/core/playout/playout-engine.ts';

const RATE = 8000;
const QUANTUM = 100;

type Told = PlayoutEvent & { readonly transferred: readonly unknown[] };

/** An engine for samples of f32, and what it told the page and the Worker, event by event as it was then. */
function engineOf({ backlog = 'keep' as 'keep' | 'catch-up', piped = false } = {}) {
  const page: Told[] = [];
  const worker: Told[] = [];
  let hear: (event: { data: unknown }) => void = () => undefined;
  const portOf = (told: Told[]) => ({
    postMessage: (event: unknown, transfer: readonly unknown[]) => {
      told.push({ ...(event as PlayoutEvent), transferred: [...transfer] });
    },
    addEventListener: (_: string, listener: typeof hear) => void (hear = listener),
    start: () => undefined,
    close: () => undefined,
  });
  const engine = new PlayoutEngine(
    {
      format: 'f32',
      sampleRate: RATE,
      channels: 1,
      outputChannels: 1,
      resampler: null,
      targetFrames: 0,
      backlog,
      capacityFrames: RATE,
    },
    RATE,
    portOf(page) as never,
  );
  let frame = 0;
  const obey = (command: PlayoutCommand) => engine.obey(command, frame);
  if (piped) obey({ type: 'pipe', port: portOf(worker) as never });
  /** As the Worker. */
  const send = (command: PlayoutCommand) => hear({ data: command });
  const frames = (item: number, count: number): PlayoutCommand => ({
    type: 'write',
    item,
    bytes: new Uint8Array(Float32Array.from({ length: count }, () => 0.25).buffer),
    afterGap: false,
  });
  const render = (count: number) => {
    const output = [new Float32Array(QUANTUM)];
    let rendered = true;
    for (const end = frame + count; frame < end; frame += QUANTUM) {
      rendered = engine.render(output, frame);
    }
    return rendered;
  };
  const take = (told: Told[], ...types: string[]) =>
    told.splice(0).filter(({ type }) => types.length === 0 || types.includes(type));
  return { engine, page, worker, obey, send, frames, render, take };
}

describe('the messages to the page', () => {
  it('include the end of an item, with its length and the frame at which it was heard', () => {
    const { page, obey, frames, render, take } = engineOf();
    obey(frames(0, 250));
    obey(frames(1, 30));
    obey({ type: 'end', item: 1 });
    render(400);
    expect(take(page, 'ended')).toMatchObject([
      { item: 0, frames: 250, missed: 0, frame: 250, transferred: [] },
      { item: 1, frames: 30, missed: 0, frame: 280 },
    ]);
  });

  it('return each buffer by transfer', () => {
    const { page, obey, frames, render, take } = engineOf();
    const first = frames(0, 250);
    obey(first);
    const { buffer } = (first as { readonly bytes: Uint8Array }).bytes;
    const [event] = take(page);
    expect(event).toMatchObject({ type: 'buffer', frame: 0, received: 250 });
    expect(event!.transferred[0]).toBe(buffer);
    render(200);
    obey(frames(0, 50));
    const [told] = take(page, 'buffer');
    expect(told).toMatchObject({ frame: 200, received: 300 });
    // What was held until then.
    const storage = new ArrayBuffer(2 * RATE * 4);
    obey({ type: 'grow', storage });
    const [old] = take(page) as [Told & { readonly buffer: ArrayBuffer }];
    expect(old.type).toBe('buffer');
    expect(old.transferred).toEqual([old.buffer]);
    expect(old.buffer.byteLength).toBe(RATE * 4);
  });

  it('include a report when something has changed, at most fifty times a second', () => {
    const { page, obey, frames, render, take } = engineOf();
    render(1000);
    expect(take(page)).toEqual([]);
    obey(frames(0, 1000));
    take(page);
    render(1000);
    const reports = take(page, 'report');
    // Every 160 frames, at the end of a quantum.
    expect(reports.map(({ frame }) => frame)).toEqual([1100, 1300, 1500, 1700, 1900]);
    expect(reports[0]).toMatchObject({ state: 'playing', received: 1000, heard: 100 });
    render(1000);
    const last = take(page, 'report', 'underrun');
    expect(last[0]).toMatchObject({ type: 'underrun', frame: 2100 });
    expect(last.at(-1)).toMatchObject({ type: 'report', heard: 1000, underruns: 1 });
    obey({ type: 'end', item: 0 });
    take(page);
    render(1000);
    const { length } = take(page);
    expect(length).toBeGreaterThan(0);
    render(1000);
    expect(take(page)).toEqual([]);
  });

  it('include the frames skipped to catch up, before the item’s end with their total', () => {
    const { page, obey, frames, render, take } = engineOf({ backlog: 'catch-up' });
    for (let i = 0; i < 120; i++) {
      obey(frames(0, 150));
      render(100);
    }
    obey({ type: 'end', item: 0 });
    render(14_000);
    const told = take(page, 'skipped', 'ended');
    const skipped = told.filter(({ type }) => type === 'skipped');
    const sum = skipped.reduce((total, event) => total + (event as { frames: number }).frames, 0);
    expect(sum).toBeGreaterThan(500);
    expect(skipped.every((event) => (event as { frames: number }).frames > 0)).toBe(true);
    expect(told.at(-1)).toMatchObject({ type: 'ended', frames: 18_000, missed: sum });
  });

  it('end with closed; nothing is rendered or reported after it', () => {
    const { page, obey, frames, render, take } = engineOf();
    obey(frames(0, 100));
    take(page);
    obey({ type: 'close' });
    expect(take(page)).toMatchObject([{ type: 'closed' }]);
    expect(render(100)).toBe(false);
    obey(frames(0, 100));
    expect(take(page)).toEqual([]);
  });
});

describe('an interrupt', () => {
  it('is answered with the frame that ends its fade, after a report', () => {
    const { page, obey, frames, render, take } = engineOf();
    obey(frames(0, 1000));
    render(300);
    take(page);
    obey({ type: 'interrupt', fadeFrames: 150 });
    expect(take(page, 'interrupted')).toEqual([]);
    render(100);
    expect(take(page, 'interrupted')).toEqual([]);
    render(100);
    const told = take(page).map(({ type, frame }) => [type, frame]);
    expect(told.slice(-2)).toEqual([
      ['report', 500],
      // The last frame of the fade is silent.
      ['interrupted', 449],
    ]);
    render(200);
    expect(take(page, 'interrupted')).toEqual([]);
  });

  it('happens once while it lasts, however often it is requested, and may be cut short', () => {
    const { page, worker, obey, send, frames, render, take } = engineOf({ piped: true });
    send(frames(3, 1000));
    render(300);
    take(page);
    take(worker);
    obey({ type: 'interrupt', fadeFrames: 500 });
    obey({ type: 'interrupt', fadeFrames: 0 });
    send({ type: 'interrupt', fadeFrames: 0 });
    expect(take(worker, 'interrupting')).toMatchObject([{ frame: 300, last: 3, open: 3 }]);
    expect(take(page, 'interrupted')).toEqual([]);
    obey({ type: 'cut' });
    expect(take(page, 'interrupted')).toMatchObject([{ frame: 300, taken: 700, last: 3 }]);
    expect(take(worker, 'interrupted').length).toBe(1);
    obey({ type: 'cut' });
    expect(take(page, 'interrupted')).toEqual([]);
    obey({ type: 'undo' });
    expect(take(page, 'report', 'undone')).toMatchObject([{ type: 'report' }, { done: true }]);
    expect(take(worker, 'undone')).toMatchObject([{ done: true }]);
  });

  it('returns late commands of the Worker for its items, until the Worker knows of it', () => {
    const { page, worker, obey, send, frames, render, take } = engineOf({ piped: true });
    send(frames(3, 1000));
    render(300);
    obey({ type: 'interrupt', fadeFrames: 0 });
    take(worker);
    const late = [
      frames(3, 10),
      { type: 'mark', item: 3, frames: -1, name: 'a' },
      { type: 'end', item: 3 },
    ] as const;
    for (const command of late) send(command as PlayoutCommand);
    expect(take(worker)).toMatchObject([
      { type: 'late', command: { type: 'write' }, transferred: [{ byteLength: 40 }] },
      { type: 'late', command: { type: 'mark' }, transferred: [] },
      { type: 'late', command: { type: 'end' }, transferred: [] },
    ]);
    // An earlier interrupt's.
    send({ type: 'rejoin', interrupts: 0 });
    send(frames(3, 10));
    expect(take(worker)).toMatchObject([{ type: 'late' }]);
    send({ type: 'rejoin', interrupts: 1 });
    // Items before the open one stay late.
    send(frames(2, 10));
    expect(take(worker)).toMatchObject([{ type: 'late' }]);
    send(frames(3, 10));
    expect(take(worker)).toMatchObject([{ type: 'buffer', received: 1010 }]);
    send({ type: 'noted' } as PlayoutCommand);
    expect(take(worker)).toMatchObject([{ type: 'noted', frame: 300 }]);
    take(page);
    send({ type: 'account', droppedFrames: 5, lostFrames: 2, noRoomFrames: 0, name: 'n' } as never);
    expect(take(page)).toEqual([]);
    send({ type: 'account', droppedFrames: 5, lostFrames: 2, noRoomFrames: 7, name: 'n' } as never);
    expect(take(page)).toMatchObject([{ type: 'no-room', name: 'n', frames: 7, frame: 300 }]);
    render(200);
    expect(take(page, 'report')[0]).toMatchObject({ unsentFrames: 5, lostFrames: 2 });
    send({ type: 'begin', item: 4, name: 'next' });
    expect(take(page)).toMatchObject([{ type: 'begun', item: 4, name: 'next' }]);
  });
});
