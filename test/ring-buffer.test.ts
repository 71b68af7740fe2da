import { describe, expect, it } from 'vitest';
import { RingBuffer, allocateRing } from '../src/core/dsp/ring-buffer.ts';
import { seededRandom } from './helpers/random.ts';

const never = (): Promise<void> => {
  throw new Error('There is Atomics.waitAsync here: nobody polls.');
};

describe('RingBuffer', () => {
  it('hands every slot over once and in order, however writer and reader alternate', () => {
    const random = seededRandom(11);
    for (let run = 0; run < 12; run++) {
      const slots = 1 + Math.floor(random() * 7);
      const memory = allocateRing(slots, 20);
      const writer = new RingBuffer(memory);
      const reader = new RingBuffer(memory);
      expect(writer.slotBytes).toBe(24);
      const bytes = new Uint8Array(memory);
      let written = 0;
      let read = 0;
      for (let step = 0; step < 500; step++) {
        if (random() < 0.5) {
          const slot = writer.writable();
          expect(slot === -1).toBe(written - read === slots);
          if (slot < 0) continue;
          bytes.fill(written++ & 0xff, writer.offsetOf(slot), writer.offsetOf(slot) + 24);
          writer.commit();
        } else {
          const slot = reader.readable();
          expect(slot === -1).toBe(written === read);
          if (slot < 0) continue;
          const offset = reader.offsetOf(slot);
          const found = bytes.subarray(offset, offset + 24);
          expect(found.every((byte) => byte === (read & 0xff))).toBe(true);
          read++;
          reader.release();
        }
      }
      // The slots fill the memory to its end and leave the head alone.
      expect(writer.offsetOf(slots)).toBe(memory.byteLength);
      expect(writer.slots).toBe(slots);
    }
  });

  it('keeps a slot and a note written before it was closed', () => {
    const memory = allocateRing(2, 8);
    const writer = new RingBuffer(memory);
    const reader = new RingBuffer(memory);
    writer.commit();
    writer.note[0] = 42;
    expect(reader.closed).toBe(false);
    writer.close();
    expect(reader.closed).toBe(true);
    expect(reader.note[0]).toBe(42);
    expect(reader.readable()).toBe(0);
  });

  it.each([
    ['a slot is written', (writer: RingBuffer) => writer.commit()],
    ['it is closed', (writer: RingBuffer) => writer.close()],
    ['it is nudged', (writer: RingBuffer) => writer.nudge()],
  ])('wakes its reader when %s', async (_, act) => {
    const memory = allocateRing(2, 8);
    const reader = new RingBuffer(memory);
    const woken = reader.wait(reader.signal, never);
    act(new RingBuffer(memory));
    await woken;
  });

  it('does not sleep on a signal that has changed already', async () => {
    const memory = allocateRing(2, 8);
    const reader = new RingBuffer(memory);
    const seen = reader.signal;
    new RingBuffer(memory).commit();
    await reader.wait(seen, never);
    expect(reader.readable()).toBe(0);
  });

  it('polls if Atomics.waitAsync is missing', async () => {
    const descriptor = Object.getOwnPropertyDescriptor(Atomics, 'waitAsync')!;
    Reflect.deleteProperty(Atomics, 'waitAsync');
    try {
      const memory = allocateRing(2, 8);
      const reader = new RingBuffer(memory);
      let polls = 0;
      await reader.wait(reader.signal, () => {
        if (++polls === 3) new RingBuffer(memory).commit();
        return Promise.resolve();
      });
      expect(polls).toBe(3);
    } finally {
      Object.defineProperty(Atomics, 'waitAsync', descriptor);
    }
  });
});
