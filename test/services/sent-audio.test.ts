import { describe, expect, it } from 'vitest';
import { SentAudio } from '../../src/core/services/shared/sent-audio.ts';
import { SentMessages } from '../../src/core/services/shared/sent-messages.ts';
import { seededRandom } from '../helpers/random.ts';

describe('SentAudio', () => {
  it('finds the frame of every position, with any audio left out or inserted', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const sent = new SentAudio();
      // The session's frame up to which the first n frames reach.
      const reach: number[] = [];
      let frame = Math.floor(random() * 100_000);
      for (let i = 0; i < 200; i++) {
        const frames = 1 + Math.floor(random() * 40);
        if (random() < 0.1) {
          sent.pad(frames);
          for (let j = 0; j < frames; j++) reach.push(reach.at(-1) ?? Number.NaN);
          continue;
        }
        if (random() < 0.2) frame += Math.floor(random() * 1000);
        sent.add({ frame, frames });
        for (let j = 0; j < frames; j++) reach.push(++frame);
      }
      expect(sent.length).toBe(reach.length);
      for (const [index, expected] of reach.entries()) {
        const got = sent.frameAt(index + 1) ?? Number.NaN;
        if (!Object.is(got, expected))
          expect({ seed, index, got }).toEqual({ seed, index, expected });
      }
    }
  });

  it('knows no frame that was not sent, and takes a position beyond the end as the end', () => {
    const sent = new SentAudio();
    expect(sent.frameAt(0)).toBeUndefined();
    expect(sent.frameAt(100)).toBeUndefined();
    sent.add({ frame: 500, frames: 100 });
    expect(sent.frameAt(0)).toBeUndefined();
    expect(sent.frameAt(-1)).toBeUndefined();
    expect(sent.frameAt(Number.NaN)).toBeUndefined();
    expect(sent.frameAt(100.4)).toBe(600);
    expect(sent.frameAt(1e300)).toBe(600);
    expect(sent.frameAt(Infinity)).toBe(600);
  });

  it('forgets the oldest audio after many gaps, and then no longer finds it', () => {
    const sent = new SentAudio();
    for (let i = 0; i < 1000; i++) sent.add({ frame: i * 10, frames: 1 });
    expect(sent.frameAt(1)).toBeUndefined();
    expect(sent.frameAt(1000)).toBe(9991);
  });

  it('reports only newly settled audio', () => {
    const sent = new SentAudio();
    sent.add({ frame: 0, frames: 100 });
    expect(sent.settled(-5)).toEqual([]);
    expect(sent.settled(40)).toEqual([{ type: 'settled', frame: 40 }]);
    expect(sent.settled(40)).toEqual([]);
    expect(sent.settled(30)).toEqual([]);
    expect(sent.settled(41)).toEqual([{ type: 'settled', frame: 41 }]);
  });
});

describe('SentMessages', () => {
  it('finds the end of each message, in any steps of acknowledgement', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const messages = new SentMessages();
      const ends: number[] = [];
      let acknowledged = 0;
      for (let i = 0; i < 300; i++) {
        for (let j = random() * 5; j >= 1; j--) {
          ends.push((ends.at(-1) ?? 0) + Math.floor(random() * 100));
          messages.add(ends.at(-1)!);
        }
        const number = Math.floor(random() * (ends.length + 3));
        const isNew = number > acknowledged && number <= ends.length;
        const got = messages.acknowledge(number);
        const expected = isNew ? ends[number - 1] : undefined;
        if (got !== expected) expect({ seed, number, got }).toEqual({ seed, number, expected });
        if (isNew) acknowledged = number;
      }
      expect(messages.count).toBe(ends.length);
    }
  });

  it('returns nothing for numbers without a message', () => {
    const messages = new SentMessages();
    messages.add(10);
    for (const number of [0, -1, 0.5, 2, Infinity, Number.NaN]) {
      expect(messages.acknowledge(number)).toBeUndefined();
    }
    expect(messages.acknowledge(1)).toBe(10);
  });

  it('remains bounded if nothing is acknowledged, and exact for the messages that it holds', () => {
    const messages = new SentMessages();
    for (let i = 1; i <= 70_000; i++) messages.add(i);
    expect(messages.acknowledge(100)).toBeUndefined();
    expect(messages.acknowledge(69_999)).toBe(69_999);
  });
});
