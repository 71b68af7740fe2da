import { describe, expect, it } from 'vitest';
import { micwire } from '../../src/core/services/micwire.ts';
import type { ServiceConnection } from '../../src/core/services/service.ts';
import { encodeProtocol } from '../../src/core/session/protocol.ts';
import { COST_STEP, costRatio, outcomeOf } from './bounded.ts';

/** A parser, and what is to show that it is bounded. */
export interface Parser<T = string | Uint8Array> {
  readonly name: string;
  /** Reads an input. */
  readonly read: (input: T) => unknown;
  /** Inputs that are made to be expensive, of about so many characters or bytes. */
  readonly inputs: Readonly<Record<string, (size: number) => T>>;
  /** Most bytes that it makes of one of the input. */
  readonly growth: number;
  /** The largest size that it reads. @default 1 MiB */
  readonly limit?: number;
  /** Errors that it may throw beside PacketError. */
  readonly throws?: (error: unknown) => boolean;
}

export const MIB = 2 ** 20;
/** Of the larger input whose cost is measured: enough for what is quadratic to take a second. */
export const COST_BYTES = 2 ** 17;
export const fill = (unit: string, size: number): string =>
  unit.repeat(Math.ceil(size / unit.length));
export const bytes = (size: number, make: (bytes: Uint8Array) => void): Uint8Array => {
  const result = new Uint8Array(size);
  make(result);
  return result;
};

/** Text that is expensive for those who read JSON carelessly. */
export const JSON_INPUTS: Parser<string>['inputs'] = {
  'nested arrays': (n) => `{"id":${'['.repeat(n / 2)}${']'.repeat(n / 2)},"type":"x"}`,
  'open arrays': (n) => '['.repeat(n),
  'nested objects': (n) => `${fill('{"id":', n)}1`,
  'many keys': (n) => `{${Array.from({ length: n / 12 }, (_, i) => `"k${i}":1`).join(',')}}`,
  'numbers for keys': (n) =>
    `{${Array.from({ length: n / 14 }, (_, i) => `"${i * 7919}":1`).join(',')}}`,
  'one key over and over': (n) => `{${fill('"type":1,', n)}"id":1}`,
  'one array of numbers': (n) => `{"type":"x","id":[${fill('1,', n)}1]}`,
  escapes: (n) => `{"type":"${fill(String.raw`\u0041`, n)}"}`,
  'escaped quotes': (n) => `{"type":"${fill(String.raw`\"`, n)}"}`,
  'an open string of backslashes': (n) => `{"type":"${fill('\\', n)}`,
  quotes: (n) => fill('"', n),
  'a long string': (n) => `{"type":"${fill('x', n)}","id":1}`,
  'a long number': (n) => `{"type":"x","id":${fill('9', n)}}`,
  blanks: (n) => fill(' ', n),
};

export const PCM = { format: 's16', sampleRate: 16_000, channels: 1 } as const;

export function micwireConnection(): ServiceConnection {
  const connection = micwire().connect();
  connection.decode(
    encodeProtocol({ type: 'welcome', known: false, next: 0, received: 0, output: null }),
  );
  return connection;
}

/** Above what is linear by far, below what is quadratic by far: see `costRatio`. */
export const MAX_COST_RATIO = 10;
/** Of any output, however small the input: 64 sections with a candidate each, and the feedback of 128 codecs. */
export const BASE_BYTES = 200_000;

export function checked<T extends string | Uint8Array>(parser: Parser<T>): void {
  const { name, read, inputs, growth, limit = MIB, throws = () => false } = parser;
  describe(name, () => {
    it.each(Object.keys(inputs))('is bounded in size and linear in time: %s', (kind) => {
      const make = inputs[kind]!;
      for (const size of [1024, 2 ** 15, limit]) {
        const input = make(size);
        expect(input.length).toBeGreaterThan(size * 0.4);
        const output = outcomeOf(() => read(input), throws);
        expect(output, `${size}`).toBeLessThan(BASE_BYTES + growth * input.length);
      }
      const costSize = Math.min(limit, COST_BYTES);
      const [small, large] = [make(costSize / COST_STEP), make(costSize)];
      const ratio = costRatio(
        () => outcome(() => read(small)),
        () => outcome(() => read(large)),
        MAX_COST_RATIO,
      );
      expect(ratio).toBeLessThan(MAX_COST_RATIO);
    });
  });
}

function outcome(act: () => unknown): void {
  try {
    act();
  } catch {
    // Looked at before.
  }
}
