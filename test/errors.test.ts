import { expect, test } from 'vitest';
import { MicwireError, PacketError } from '../src/core/errors.ts';

/** A module that is loaded again is another copy of it, as in each file of `micwire/min`. */
const copy = '../src/core/errors.ts?copy';

test('an error of another copy of micwire is an instance of this copy’s class', async () => {
  const other = (await import(/* @vite-ignore */ copy)) as {
    readonly MicwireError: typeof MicwireError;
    readonly PacketError: typeof PacketError;
  };
  expect(other.PacketError).not.toBe(PacketError);
  expect(new other.PacketError('truncated', 'short')).toBeInstanceOf(PacketError);
  expect(new other.MicwireError('closed', 'over')).toBeInstanceOf(MicwireError);
});

test('only an error of its own name is an instance of an error class', () => {
  expect(new PacketError('truncated', 'short')).not.toBeInstanceOf(MicwireError);
  expect(new MicwireError('closed', 'over')).not.toBeInstanceOf(PacketError);
  expect(new RangeError('PacketError')).not.toBeInstanceOf(PacketError);
  for (const value of [undefined, null, 'PacketError', 3] as unknown[]) {
    expect(value instanceof PacketError).toBe(false);
  }
});
