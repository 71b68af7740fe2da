import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import { parseJsonObject } from '../src/core/framing/json-object.ts';
import { parseSignal } from '../src/core/webrtc/signal-message.ts';
import { parseControlRequest } from '../demo/link/protocol.ts';

const limits = { maxLength: 1000, maxDepth: 3, maxValues: 5 };
const reasonOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof PacketError) return error.reason;
    throw error;
  }
  return 'read';
};
const read = (text: string): string => reasonOf(() => parseJsonObject('A text', text, limits));

describe('parseJsonObject', () => {
  it.each([
    ['{"a":[[1]]}', 'read'],
    ['{"a":[[[1]]]}', 'bad-json'],
    ['[[[[', 'bad-json'],
    ['{"a":1,"b":2,"c":3,"d":4,"e":5}', 'read'],
    ['{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}', 'oversized'],
    ['{"a":[1,2,3,4,5,6]}', 'oversized'],
    [`{"a":"${'x'.repeat(992)}"}`, 'read'],
    [`{"a":"${'x'.repeat(993)}"}`, 'oversized'],
    // Brackets and commas in strings do not count, wherever the strings end.
    [String.raw`{"a":"[[[[{{{{,,,,,,,,"}`, 'read'],
    [String.raw`{"a":"\"[[[[,,,,,,,"}`, 'read'],
    [String.raw`{"a":"\\","b":[[1]]}`, 'read'],
    [String.raw`{"a":"\\","b":[[[1]]]}`, 'bad-json'],
    [String.raw`{"a":"\\\"[[[[,,,,,,,"}`, 'read'],
    ['{"a":1}{', 'bad-json'],
    ['"an open string [[[[[', 'bad-json'],
    ['[]', 'bad-json'],
    ['null', 'bad-json'],
    ['', 'bad-json'],
  ])('%s: %s', (text, reason) => {
    expect(read(text)).toBe(reason);
  });

  it('returns the same value as JSON.parse', () => {
    const text = String.raw`{"__proto__":{"x":1},"a\u0041":[true,null],"b":"\\\"]"}`;
    expect(parseJsonObject('A text', text, limits)).toEqual(JSON.parse(text));
  });

  it('accepts only text', () => {
    const bytes = Uint8Array.of(0x7b, 0x7d) as unknown as string;
    expect(() => parseJsonObject('A text', bytes, limits)).toThrow(/^text must be a string/);
  });
});

it.each<[string, (text: string) => unknown]>([
  ['a control request', parseControlRequest],
  ['a signalling message', parseSignal],
  [
    'a JSON packet',
    (text) =>
      FRAMINGS['base64-json']
        .createDecoder({ format: 's16', sampleRate: 16_000, channels: 1 })
        .decode(text),
  ],
])('%s that nests 100,000 levels is refused by its form, closed or open', (_name, parse) => {
  const nested = '['.repeat(100_000);
  for (const text of [
    nested,
    `{"id":${nested}`,
    `{"id":${nested}${']'.repeat(100_000)},"type":"x"}`,
  ]) {
    expect(reasonOf(() => parse(text))).toBe('bad-json');
  }
});
