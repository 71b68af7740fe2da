import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import {
  CLOSING,
  MAX_MESSAGE_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_REASON_BYTES,
  MAX_UNHEARD,
  PROTOCOL_NAME,
  decodeProtocol,
  encodeProtocol,
} from '../src/core/session/protocol.ts';
import type { ProtocolMessage } from '../src/core/session/protocol.ts';
import { tokenOf, tokenProtocol } from '../src/core/session/token-protocol.ts';
import { bytesOf } from './helpers/hex.ts';
import { randomMessages } from './helpers/protocol-messages.ts';
import { seededRandom } from './helpers/random.ts';

const INPUT = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
const OUTPUT = { format: 's16', sampleRate: 24_000, channels: 1 } as const;

/** The examples of docs/protocol.md, by their headings. */
const EXAMPLES: readonly ProtocolMessage[] = [
  { type: 'hello', session: 's-1', frame: 0, next: 0, input: INPUT, output: OUTPUT },
  { type: 'welcome', known: true, next: 16_000, received: 16_000, output: OUTPUT },
  {
    type: 'audio',
    packet: {
      ...INPUT,
      sequence: 1,
      frame: 320,
      frames: 2,
      timestamp: 20_000,
      dropped: 0,
      payload: Uint8Array.of(1, 0, 0xff, 0x7f),
    },
  },
  { type: 'acknowledged', frame: 16_000 },
  { type: 'item', frame: 24_000, item: 'r1' },
  { type: 'item-end', frame: 48_000, item: 'r1' },
  { type: 'mark', frames: 24_000, item: 'r1', name: 'half' },
  { type: 'played', frames: 24_000, item: 'r1', name: 'half' },
  { type: 'interrupt', frame: 24_000 },
  { type: 'interrupted', frames: 480, item: 'r1', unheard: ['r2'] },
  { type: 'commit', frame: 16_000 },
  { type: 'mute', muted: true },
  { type: 'ping', number: 7 },
  { type: 'pong', number: 7 },
  { type: 'leaving', ms: 1000 },
  { type: 'bye', code: 1000, reason: '' },
  { type: 'data', bytes: Uint8Array.of(1, 2, 3) },
];

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/..(?!$)/g, '$& ');

/** What a message of these bytes is refused for. */
function refusal(bytes: Uint8Array): { readonly reason: string; readonly message: string } {
  try {
    decodeProtocol(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(PacketError);
    return error as PacketError;
  }
  throw new Error(`${hex(bytes)} was taken.`);
}

describe('docs/protocol.md', () => {
  const guide = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8');
  const sections = new Map(
    guide
      .split(/^##+ /m)
      .slice(1)
      .map((section) => [section.slice(0, section.indexOf('\n')), section]),
  );

  it.each(EXAMPLES.map((message) => [message.type, message] as const))(
    'has the bytes of %s as encoded, and no others',
    (type, message) => {
      const found = [...sections.get(type)!.matchAll(/^```hex\n(.*?)\n```/gms)];
      expect(found.map(([, example]) => example)).toEqual([hex(encodeProtocol(message))]);
      expect(decodeProtocol(bytesOf(found[0]![1]!))).toEqual(message);
    },
  );

  it('has a section for each message, with its first byte, and no example elsewhere', () => {
    for (const message of EXAMPLES) {
      if (message.type === 'audio') continue;
      const first = `0x${encodeProtocol(message)[0]!.toString(16)}`;
      expect(guide).toContain(`| \`${first}\` | [${message.type}](#${message.type}) |`);
      expect(sections.get(message.type)).toContain(`| ${first} |`);
    }
    expect(guide.split('```hex').length - 1).toBe(EXAMPLES.length);
    expect(new Set(EXAMPLES.map(({ type }) => type)).size).toBe(17);
  });

  it('has the close codes and the limits of the code', () => {
    const codes = [...sections.get('Closing codes')!.matchAll(/^\| (\d+) \|/gm)];
    expect(codes.map(([, code]) => Number(code))).toEqual(Object.values(CLOSING));
    const limits = [...sections.get('Limits')!.matchAll(/^\| ([\w, ]+).*? \| ([\d,]+)/gm)];
    const numbers = limits.map(([, , value = '']) => Number(value.replaceAll(',', '')));
    expect(numbers).toEqual([
      MAX_MESSAGE_BYTES,
      32,
      2 ** 52,
      64,
      128,
      MAX_UNHEARD,
      MAX_REASON_BYTES,
    ]);
  });

  it('has the subprotocols of the code', () => {
    expect(guide).toContain(`offers the subprotocol \`${PROTOCOL_NAME}\``);
    expect(guide).toContain(`\`${tokenProtocol('secret')}\``);
  });
});

describe('a message of micwire.1', () => {
  it('decodes to the message that was written, for any field values', () => {
    for (let seed = 0; seed < 200; seed++) {
      for (const message of randomMessages(seededRandom(seed))) {
        expect(decodeProtocol(encodeProtocol(message)), `seed ${seed}`).toEqual(message);
      }
    }
  });

  it('is read from a view of a larger buffer', () => {
    for (const message of EXAMPLES) {
      const bytes = encodeProtocol(message);
      const larger = new Uint8Array(bytes.length + 20).fill(0xa5);
      larger.set(bytes, 7);
      expect(decodeProtocol(larger.subarray(7, 7 + bytes.length))).toEqual(message);
    }
  });

  it('is read with integers that are longer than necessary', () => {
    expect(decodeProtocol(bytesOf('12 c0 00 00 00 00 00 00 07'))).toEqual({
      type: 'acknowledged',
      frame: 7,
    });
    expect(decodeProtocol(bytesOf('1a 40 01'))).toEqual({ type: 'mute', muted: true });
  });

  it('is refused at every truncation', () => {
    for (const message of EXAMPLES) {
      if (message.type === 'data') continue;
      const bytes = encodeProtocol(message);
      for (let end = 0; end < bytes.length; end++) {
        expect(refusal(bytes.subarray(0, end)).reason, `${message.type}, ${end} bytes`).toBe(
          'truncated',
        );
      }
    }
  });

  it('is refused when bytes follow its last field', () => {
    for (const message of EXAMPLES) {
      if (message.type === 'data') continue;
      const bytes = encodeProtocol(message);
      expect(refusal(Uint8Array.of(...bytes, 0)).reason, message.type).toBe('oversized');
    }
  });

  it.each([
    ['a first byte that is not known', '00', 'unknown-type'],
    ['a first byte of text', '7b 7d', 'unknown-type'],
    ['another version of the binary framing', '31 00 04 00 00', 'unknown-type'],
    ['another version in hello', '10 02 01 61 00 00 01 01 7e 80 00', 'unknown-type'],
    ['another version in welcome', '11 02 01 00 00 00', 'unknown-type'],
    ['a session without a name', '10 01 00 00 00 01 01 7e 80 00', 'bad-field'],
    ['a session with a slash', '10 01 01 2f 00 00 01 01 7e 80 00', 'bad-field'],
    [
      'a session of 65 characters',
      `10 01 40 41 ${'61'.repeat(65)} 00 00 01 01 7e 80 00`,
      'bad-field',
    ],
    ['hello without an input', '10 01 01 61 00 00 00 00', 'bad-field'],
    ['a format that is not known', '10 01 01 61 00 00 0f 01 7e 80 00', 'unknown-type'],
    ['a stream of no channels', '10 01 01 61 00 00 01 00 7e 80 00', 'bad-field'],
    ['a stream of 33 channels', '10 01 01 61 00 00 01 21 7e 80 00', 'bad-field'],
    ['a rate that is too low', '10 01 01 61 00 00 01 01 4b b7 00', 'bad-field'],
    ['a rate that Opus does not have', '10 01 01 61 00 00 06 01 80 00 ac 44 00', 'bad-field'],
    ['a welcome that half knows', '11 01 02 00 00 00', 'bad-field'],
    ['a welcome that has received less than it needs', '11 01 01 02 01 00', 'bad-field'],
    ['an integer above 2^53 - 1', '12 ff ff ff ff ff ff ff ff', 'bad-field'],
    ['a frame above 2^52', '12 c0 10 00 00 00 00 00 01', 'bad-field'],
    ['audio of a frame above 2^52', '21 80 04 00 01 c0 10 00 00 00 00 00 01 00 00', 'bad-field'],
    ['an item without a name', '13 00 00', 'bad-field'],
    ['a name of 129 bytes', `13 00 40 81 ${'61'.repeat(129)}`, 'bad-field'],
    ['a name that is not UTF-8', '13 00 02 c3 28', 'bad-field'],
    ['a name with a surrogate', '13 00 03 ed a0 80', 'bad-field'],
    ['a name with U+FFFD', '13 00 03 ef bf bd', 'bad-field'],
    ['a mark without a name', '15 00 01 61 00', 'bad-field'],
    ['more than 256 items', '18 00 00 41 01', 'bad-field'],
    ['an unheard item without a name', '18 00 00 01 00', 'bad-field'],
    ['mute with 2', '1a 02', 'bad-field'],
    ['a close code of 5000', '1e 53 88 00', 'bad-field'],
    ['a reason of 124 bytes', `1e 43 e8 40 7c ${'61'.repeat(124)}`, 'bad-field'],
    ['a payload that is too short', '21 00 04 00 02 00 00', 'truncated'],
  ])('is refused with %s', (_, bytes, reason) => {
    expect(refusal(bytesOf(bytes)).reason).toBe(reason);
  });

  it('is refused above 1 MiB, whatever its type', () => {
    const data = new Uint8Array(MAX_MESSAGE_BYTES + 1).fill(0x1f);
    expect(refusal(data).reason).toBe('oversized');
    expect(decodeProtocol(data.subarray(1)).type).toBe('data');
  });

  it('does not repeat the sender’s bytes when it is refused', () => {
    const { message } = refusal(Uint8Array.of(0x10, 1, 6, ...Buffer.from('<evil>'), 0, 0));
    expect(message).not.toContain('evil');
  });

  const audio = (payload: Uint8Array, frames: number): ProtocolMessage => ({
    type: 'audio',
    packet: { ...INPUT, sequence: 0, frame: 0, frames, timestamp: 0, dropped: 0, payload },
  });

  it.each<[string, ProtocolMessage]>([
    ['a session with a blank', { ...(EXAMPLES[0] as object), session: 'a b' } as ProtocolMessage],
    ['a negative frame', { type: 'commit', frame: -1 }],
    ['half a frame', { type: 'acknowledged', frame: 0.5 }],
    ['a frame of 2^53', { type: 'interrupt', frame: 2 ** 53 }],
    ['an item without a name', { type: 'item', frame: 0, item: '' }],
    ['a name of 129 bytes', { type: 'item', frame: 0, item: '€'.repeat(43) }],
    ['a lone surrogate', { type: 'item', frame: 0, item: '\ud800' }],
    ['257 items', { type: 'interrupted', frames: 0, item: 'a', unheard: Array(257).fill('b') }],
    ['a close code of 5000', { type: 'bye', code: 5000, reason: '' }],
    ['a reason of 124 bytes', { type: 'bye', code: 1000, reason: 'a'.repeat(124) }],
    ['too much data', { type: 'data', bytes: new Uint8Array(MAX_MESSAGE_BYTES) }],
    ['too much audio', audio(new Uint8Array(MAX_PAYLOAD_BYTES + 2), MAX_PAYLOAD_BYTES / 2 + 1)],
    ['audio that is shorter than it says', audio(new Uint8Array(2), 2)],
    [
      'a stream of no channels',
      { type: 'welcome', known: false, next: 0, received: 0, output: { ...OUTPUT, channels: 0 } },
    ],
  ])('is not written with %s', (_, message) => {
    expect(() => encodeProtocol(message)).toThrow(RangeError);
  });

  it('is not written with an unknown format', () => {
    const output = { ...OUTPUT, format: 'mp3' as 's16' };
    const welcome = { type: 'welcome', known: false, next: 0, received: 0, output } as const;
    expect(() => encodeProtocol(welcome)).toThrow(TypeError);
  });

  it('fits into the limit with the longest payload', () => {
    const stream = { format: 'u8', sampleRate: 767_999, channels: 1 } as const;
    const payload = new Uint8Array(MAX_PAYLOAD_BYTES);
    const most = Number.MAX_SAFE_INTEGER;
    const packet = {
      ...stream,
      sequence: most,
      frame: 2 ** 52,
      frames: payload.length,
      timestamp: 1,
      dropped: 2 ** 32 - 1,
      payload,
    };
    const message = encodeProtocol({ type: 'audio', packet });
    expect(message.length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    expect(decodeProtocol(message)).toEqual({ type: 'audio', packet });
  });
});

describe('the subprotocol of a token', () => {
  it('carries any token, in characters that a subprotocol may have', () => {
    for (const token of ['', 'secret', 'a+b/c==', 'Grüße 𝄞', 'x'.repeat(1000), '??>>']) {
      const name = tokenProtocol(token);
      expect(name).toMatch(/^[\w.-]+$/);
      expect(tokenOf(['micwire.1', name])).toBe(token);
    }
  });

  it.each([
    ['no token', ['micwire.1']],
    ['no subprotocols', []],
    ['what is not Base64', ['micwire.1', 'micwire.token.%%%']],
    ['a single digit', ['micwire.token.A']],
  ])('is undefined for %s', (_, protocols) => {
    expect(tokenOf(protocols)).toBeUndefined();
  });
});
