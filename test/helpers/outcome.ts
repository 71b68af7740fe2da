import { PacketError } from '../../src/core/errors.ts';

/** What came of reading bytes: the reason of a PacketError, or 'read'. Any other error is thrown. */
export function outcomeOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof PacketError) return error.reason;
    throw error;
  }
  return 'read';
}
