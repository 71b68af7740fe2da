import { describe, expect, test } from 'vitest';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import { HalfDuplexGate } from '../src/core/session/half-duplex.ts';
import { Replies } from '../src/core/session/replies.ts';
import type { ReplySink } from '../src/core/session/replies.ts';
import type { HeardItem } from '../src/core/services/service.ts';

const STREAM: StreamFormat = { format: 's16', sampleRate: 24_000, channels: 1 };
const OTHER: StreamFormat = { format: 's16', sampleRate: 16_000, channels: 1 };

/** A sink that notes what it is told, and answers interrupts when the test says so. */
class NotingSink implements ReplySink {
  readonly notes: string[] = [];
  answer: (heard: HeardItem) => void = () => {};
  write(bytes: Uint8Array, { item, lostFrames }: { item: string; lostFrames: number }): void {
    this.notes.push(`write ${item} ${bytes.length}${lostFrames > 0 ? ` lost ${lostFrames}` : ''}`);
  }
  end(item: string): void {
    this.notes.push(`end ${item}`);
  }
  mark(name: string, { item, frames }: { item: string; frames?: number | undefined }): void {
    this.notes.push(`mark ${name} ${item} ${frames}`);
  }
  interrupt(): Promise<HeardItem> {
    this.notes.push('interrupt');
    return new Promise((resolve) => (this.answer = resolve));
  }
  close(): Promise<void> {
    this.notes.push('close');
    return Promise.resolve();
  }
}

/** Replies, the sinks that they have asked for, and what they have told. */
function rig(output: StreamFormat | null = STREAM) {
  const asked: { stream: StreamFormat; give(sink: ReplySink): void; refuse(): void }[] = [];
  const told: unknown[] = [];
  const replies = new Replies(output, {
    open: (stream) =>
      new Promise((give, reject) => {
        asked.push({ stream, give, refuse: () => reject(new Error('none')) });
      }),
    played: (played, forService) => told.push({ ...played, forService }),
    caption: (caption) => told.push(caption),
    failed: (error) => told.push((error as Error).message),
    full: (item) => told.push(`full ${item}`),
  });
  const audio = (item: string, length = 10, more = {}): void => {
    replies.take({ type: 'audio', item, bytes: new Uint8Array(length), ...more });
  };
  const give = async (index: number): Promise<NotingSink> => {
    const sink = new NotingSink();
    asked[index]!.give(sink);
    await new Promise((resolve) => setTimeout(resolve));
    return sink;
  };
  return { replies, asked, told, audio, give };
}

describe('replies', () => {
  test('wait for their sink, in order with their marks and ends', async () => {
    const { replies, asked, audio, give } = rig();
    audio('a', 10, { lostFrames: 3 });
    replies.take({ type: 'caption', item: 'a', text: 'Hi', startMs: 500 });
    replies.take({ type: 'mark', item: 'a', name: 'm' });
    replies.mark('mine', { item: 'a', frames: 7 });
    replies.take({ type: 'item-end', item: 'a' });
    expect(asked.map(({ stream }) => stream)).toEqual([STREAM]);
    const { notes } = await give(0);
    expect(notes).toEqual([
      'write a 10 lost 3',
      'mark micwire-caption:{"item":"a","text":"Hi","startMs":500} a 12000',
      'mark micwire-service:m a undefined',
      'mark micwire-app:mine a 7',
      'end a',
    ]);
  });

  test('without a sink are silent, and the next one asks for a sink again', async () => {
    const { asked, told, audio, give } = rig();
    audio('a');
    audio('b');
    asked[0]!.refuse();
    await new Promise((resolve) => setTimeout(resolve));
    expect(told).toEqual(['none']);
    audio('a');
    const { notes } = await give(1);
    expect(notes).toEqual(['write b 10']);
  });

  test('distinguish marks of the service from marks of the app', () => {
    const { replies, told } = rig();
    const place = { item: 'a', frames: 5, contextFrame: 100 };
    replies.marked({ name: 'micwire-service:m', ...place });
    replies.marked({ name: 'micwire-app:mine', ...place });
    replies.marked({ name: 'of the playout’s own', ...place });
    replies.ended(place);
    expect(told).toEqual([
      { ...place, name: 'm', forService: true },
      { ...place, name: 'mine', forService: false },
      { ...place, name: null, forService: true },
    ]);
  });

  test('that were interrupted while they waited are not heard, however late the rest arrives', async () => {
    const { replies, audio, give } = rig();
    audio('a');
    const heard = replies.interrupt();
    expect(await heard).toEqual({ item: 'a', frames: 0, ms: 0, unheard: [] });
    const { notes } = await give(0);
    audio('a');
    replies.take({ type: 'mark', item: 'a', name: 'm' });
    replies.take({ type: 'item-end', item: 'a' });
    audio('b');
    expect(notes).toEqual(['write b 10']);
  });

  test('that begin while an interruption is under way are heard', async () => {
    const { replies, audio, give } = rig();
    void replies.prepare();
    const sink = await give(0);
    audio('a');
    const heard = replies.interrupt();
    audio('a');
    audio('b');
    sink.answer({ item: 'a', frames: 3, ms: 0, unheard: [] });
    expect(await heard).toEqual({ item: 'a', frames: 3, ms: 0, unheard: [] });
    // The sink drops what comes late of an interrupted item, and counts it.
    expect(sink.notes).toEqual(['write a 10', 'interrupt', 'write a 10', 'write b 10']);
    // Nothing but the new one is waited for.
    const finished = replies.finish();
    replies.ended({ item: 'b', frames: 5, contextFrame: 9 });
    await finished;
  });

  test('that had ended before the interruption were not cut', async () => {
    const { replies, audio, give } = rig();
    void replies.prepare();
    const sink = await give(0);
    audio('a');
    const heard = replies.interrupt();
    replies.ended({ item: 'a', frames: 5, contextFrame: 9 });
    sink.answer({ item: 'a', frames: 5, ms: 0, unheard: [] });
    expect(await heard).toEqual({ item: undefined, frames: 0, ms: 0, unheard: [] });
  });

  test('of another stream get a sink of their own when the ones before were heard', async () => {
    const { replies, asked, audio, give } = rig();
    void replies.prepare();
    const first = await give(0);
    audio('a');
    audio('b', 4, { stream: OTHER });
    expect(asked).toHaveLength(1);
    replies.ended({ item: 'a', frames: 5, contextFrame: 9 });
    await new Promise((resolve) => setTimeout(resolve));
    expect(first.notes).toEqual(['write a 10', 'end a', 'close']);
    const second = await give(1);
    expect(asked[1]!.stream).toEqual(OTHER);
    expect(second.notes).toEqual(['write b 4']);
  });

  test('beyond the waiting limit are silent to the end of their item, which is reported once', async () => {
    const { told, audio, give } = rig();
    for (let i = 0; i < 30; i++) audio('a', 1_000_000);
    audio('b', 4);
    expect(told).toEqual(['full a']);
    const { notes } = await give(0);
    expect(notes).toHaveLength(29);
    expect(notes.at(-1)).toBe('write b 4');
  });

  test('finish when the last one was heard, and end their sink', async () => {
    const { replies, audio, give } = rig();
    void replies.prepare();
    const sink = await give(0);
    audio('a');
    let finished = false;
    void replies.finish().then(() => (finished = true));
    await new Promise((resolve) => setTimeout(resolve));
    expect(finished).toBe(false);
    replies.ended({ item: 'a', frames: 5, contextFrame: 9 });
    await new Promise((resolve) => setTimeout(resolve));
    expect(finished).toBe(true);
    expect(sink.notes).toEqual(['write a 10', 'end a', 'close']);
    audio('b');
    expect(sink.notes).toHaveLength(3);
  });

  test('of a lost sink count as over, and the next one gets another sink', async () => {
    const { replies, asked, audio, give } = rig();
    void replies.prepare();
    await give(0);
    audio('a');
    replies.lost();
    audio('b');
    expect(asked).toHaveLength(2);
    const { notes } = await give(1);
    expect(notes).toEqual(['write b 10']);
    void replies.finish();
  });

  test('of a service that sends no audio are not waited for', async () => {
    const { replies, asked } = rig(null);
    await replies.prepare();
    replies.take({ type: 'mark', item: 'a', name: 'm' });
    await replies.finish();
    expect(asked).toEqual([]);
  });
});

describe('a half-duplex gate', () => {
  test('is closed for chunks that overlap a reply, or the echo time after it', () => {
    const gate = new HalfDuplexGate();
    expect(gate.isClosed(0, 0.02)).toBe(false);
    gate.played(true, 1, 0.05);
    gate.played(true, 1.1, 0.05);
    expect(gate.isClosed(0.97, 0.99)).toBe(false);
    expect(gate.isClosed(0.99, 1.01)).toBe(true);
    expect(gate.isClosed(5, 5.02)).toBe(true);
    gate.played(false, 6, 0.05);
    gate.played(false, 7, 0.05);
    expect(gate.isClosed(6.34, 6.36)).toBe(true);
    expect(gate.isClosed(6.36, 6.38)).toBe(false);
  });
});
