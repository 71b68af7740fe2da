import { PacketError } from '../../src/core/errors.ts';
import type { FuzzTarget } from './fuzz-targets.ts';
import { mutateBytes, mutateText } from './mutate.ts';
import { noise, pick } from './packet-streams.ts';

/** What came of so many messages. */
export interface FuzzCounts {
  /** Messages that were taken. */
  read: number;
  /** Of the others, how many for each reason. */
  readonly refused: Map<string, number>;
}

/** How many of the messages are noise from beginning to end. */
const NOISE_RATIO = 0.1;
const NOISE_BYTES = 200;

/**
 * Gives a parser `count` messages: mutated ones, and noise.
 * @throws whatever it throws beside PacketError
 */
export function fuzz(target: FuzzTarget, count: number, random: () => number): FuzzCounts {
  const counts: FuzzCounts = { read: 0, refused: new Map() };
  for (let i = 0; i < count; i++) {
    const message = hostileMessage(target, random);
    try {
      target.read(message);
      counts.read++;
    } catch (error) {
      if (!(error instanceof PacketError)) throw failure(target, message, error);
      counts.refused.set(error.reason, (counts.refused.get(error.reason) ?? 0) + 1);
    }
  }
  return counts;
}

function hostileMessage({ samples }: FuzzTarget, random: () => number): string | Uint8Array {
  const sample = pick(samples, random);
  if (random() < NOISE_RATIO) {
    const bytes = noise(Math.floor(random() * NOISE_BYTES), random);
    return typeof sample === 'string' ? String.fromCharCode(...bytes) : bytes;
  }
  return typeof sample === 'string' ? mutateText(sample, random) : mutateBytes(sample, random);
}

/** Names the message, so that it can be looked into. */
function failure({ name }: FuzzTarget, message: string | Uint8Array, cause: unknown): Error {
  const shown =
    typeof message === 'string' ? JSON.stringify(message) : Buffer.from(message).toString('hex');
  return new Error(`${name} failed at ${shown}: ${String(cause)}`, { cause });
}
