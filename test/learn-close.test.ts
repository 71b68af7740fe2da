/** What the page about the end of a call of the lab's view Learn is made from. */
import { describe, expect, it } from 'vitest';
import type { CloseEvent, CloseEventKind, CloseSide } from '../demo/learn/close-log.ts';
import { CLOSE_WORDS, CloseLog, PacketWatch } from '../demo/learn/close-log.ts';

const event = (atMs: number, side: CloseSide, kind: CloseEventKind): CloseEvent => ({
  atMs,
  side,
  kind,
  detail: '',
});

describe('the log of events at the other side', () => {
  it('is sorted by time, including events found out later', () => {
    const log = new CloseLog('vanish');
    log.add(event(0, 'this', 'act'));
    log.add(event(5000, 'other', 'disconnected'));
    log.add(event(90, 'other', 'last-packet'));
    expect(log.events.map(({ kind }) => kind)).toEqual(['act', 'last-packet', 'disconnected']);
    expect(log.has('other', 'disconnected')).toBe(true);
    expect(log.has('this', 'disconnected')).toBe(false);
  });

  it('distinguishes a first event from one that confirms the end', () => {
    const log = new CloseLog('vanish');
    expect(log.result).toEqual({ first: null, known: null, closedMs: null });
    log.add(event(0, 'this', 'act'));
    // Of this side nothing counts, and packets are no event.
    log.add(event(1, 'this', 'channel-closed'));
    log.add(event(90, 'other', 'last-packet'));
    expect(log.result).toEqual({ first: null, known: null, closedMs: null });
    log.add(event(5000, 'other', 'disconnected'));
    log.add(event(6000, 'other', 'reconnected'));
    log.add(event(15_000, 'other', 'failed'));
    log.add(event(15_001, 'other', 'call-closed'));
    expect(log.result.first!.kind).toBe('disconnected');
    expect(log.result.known!.kind).toBe('failed');
    expect(log.result.closedMs).toBe(15_001);
  });

  it('has a name for every event, and a meaning for all but the act itself', () => {
    for (const [kind, [name, meaning]] of Object.entries(CLOSE_WORDS)) {
      expect(name).not.toBe('');
      expect(meaning === '', kind).toBe(kind === 'act');
    }
  });
});

describe('the last packet', () => {
  it('is the last once no other has arrived for long enough', () => {
    const watch = new PacketWatch(500);
    expect(watch.add(0, 10)).toBeNull();
    expect(watch.add(100, 15)).toBeNull();
    expect(watch.add(200, 15)).toBeNull();
    expect(watch.add(599, 15)).toBeNull();
    expect(watch.add(600, 15)).toBe(100);
    // It was not the last after all.
    expect(watch.add(700, 16)).toBeNull();
    expect(watch.add(1200, 16)).toBe(700);
  });
});
