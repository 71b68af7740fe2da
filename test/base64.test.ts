import { afterEach, describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import {
  Base64Writer,
  asciiText,
  base64Length,
  decodeBase64,
  encodeBase64,
} from '../src/core/base64/base64.ts';
import { seededRandom } from './helpers/random.ts';

/** RFC 4648 §10. */
const VECTORS = [
  ['', ''],
  ['f', 'Zg=='],
  ['fo', 'Zm8='],
  ['foo', 'Zm9v'],
  ['foob', 'Zm9vYg=='],
  ['fooba', 'Zm9vYmE='],
  ['foobar', 'Zm9vYmFy'],
] as const;

function randomBytes(random: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

describe('Base64Writer', () => {
  it('gives the Base64 of the whole, however the bytes are split', () => {
    const random = seededRandom(1);
    const writer = new Base64Writer();
    for (let run = 0; run < 300; run++) {
      const bytes = randomBytes(random, Math.floor(random() * 200));
      const target = new Uint8Array(base64Length(bytes.length) + 8).fill(1);
      let at = 4;
      for (let from = 0; from < bytes.length;) {
        const count = Math.min(bytes.length - from, Math.floor(random() * 12));
        at += writer.write(bytes, from, count, target, at);
        from += count;
      }
      at += writer.finish(target, at);
      expect(asciiText(target.subarray(4, at))).toBe(base64(bytes));
      expect([...target.subarray(0, 4), ...target.subarray(at)]).toEqual(new Array(8).fill(1));
    }
  });

  it('forgets the waiting bytes when reset', () => {
    const writer = new Base64Writer();
    const target = new Uint8Array(8);
    writer.write(Uint8Array.of(1, 2), 0, 2, target, 0);
    writer.reset();
    expect(writer.finish(target, 0)).toBe(0);
  });
});

describe.each([
  ['in script', false],
  ['native where the engine has it', true],
])('encodeBase64 and decodeBase64, %s', (_, native) => {
  const encoder = Object.getOwnPropertyDescriptor(Uint8Array.prototype, 'toBase64');
  const decoder = Object.getOwnPropertyDescriptor(Uint8Array, 'fromBase64');
  if (!native && encoder && decoder) {
    Reflect.deleteProperty(Uint8Array.prototype, 'toBase64');
    Reflect.deleteProperty(Uint8Array, 'fromBase64');
    afterEach(() => {
      Object.defineProperty(Uint8Array.prototype, 'toBase64', encoder);
      Object.defineProperty(Uint8Array, 'fromBase64', decoder);
    });
  }

  it.each(VECTORS)('RFC 4648 §10: %j is %j', (plain, text) => {
    const bytes = new TextEncoder().encode(plain);
    expect(encodeBase64(bytes)).toBe(text);
    expect(decodeBase64(text)).toEqual(bytes);
  });

  it('agrees with Node over random lengths, and decodes to the same bytes', () => {
    const random = seededRandom(2);
    for (let run = 0; run < 200; run++) {
      const bytes = randomBytes(random, Math.floor(random() * 400));
      const text = encodeBase64(bytes);
      expect(text).toBe(base64(bytes));
      expect(decodeBase64(text)).toEqual(bytes);
    }
  });

  it('encodes and decodes big buffers: https://github.com/openai/openai-agents-js/issues/1333', () => {
    const bytes = randomBytes(seededRandom(3), 1_000_001);
    const text = encodeBase64(bytes);
    expect(text).toBe(base64(bytes));
    expect(Buffer.compare(decodeBase64(text), bytes)).toBe(0);
  });

  it.each([
    ['the URL alphabet (§5)', '-_-_', '+/+/'],
    ['both alphabets in one text', '-/+_', '+/+/'],
    ['no padding after one byte', 'Zg', 'Zg=='],
    ['no padding after two bytes', 'Zm8', 'Zm8='],
    ['URL alphabet without padding', '__8', '//8='],
    ['line breaks of MIME', 'Zm9v\r\nZm9v\r\n', 'Zm9vZm9v'],
    ['a line feed within a group', 'Zm\n9v', 'Zm9v'],
    ['a line feed before the padding', 'Zg\n==\n', 'Zg=='],
    ['a line feed in place of the padding', 'Zm8\n', 'Zm8='],
    ['blanks in groups of four', 'Zm9v    ', 'Zm9v'],
    ['blanks and tabs in front', ' \tZm9v', 'Zm9v'],
    ['nothing but white space', ' \n', ''],
  ])('decodes %s', (_name, text, plain) => {
    expect(decodeBase64(text)).toEqual(new Uint8Array(Buffer.from(plain, 'base64')));
  });

  it('decodes long texts in lines of 76 of either alphabet, whatever their length', () => {
    const random = seededRandom(5);
    for (let run = 0; run < 100; run++) {
      const bytes = randomBytes(random, Math.floor(random() * 600));
      const kind = random() < 0.5 ? 'base64' : 'base64url';
      const text = Buffer.from(bytes).toString(kind).replaceAll(/.{76}/g, '$&\r\n');
      expect(decodeBase64(text)).toEqual(bytes);
    }
  });

  it('names the cure for a data: URL', () => {
    for (const url of ['data:audio/wav;base64,UklGRg==', ' DATA:;base64,', 'data:,x']) {
      expect(() => decodeBase64(url)).toThrow(/data: URL.*comma/);
      expect(() => decodeBase64(url)).toThrow(PacketError);
    }
  });

  it.each([
    ['one digit', 'Z'],
    ['one more digit than whole groups', 'Zm9vZ'],
    ['half the padding', 'Zg='],
    ['padding alone', '===='],
    ['padding inside', 'Zg==Zg=='],
    ['three pads', 'Z==='],
    ['a line feed and unused bits', 'Zm9v\nZm9'],
    ['unused bits without padding', 'Zh'],
    ['padding after whole groups', 'Zm9v===='],
    ['a no-break space', 'Zm9v\u00a0'],
    ['a percent sign', 'Zg%3D%3D'],
    ['a control character', 'Zm9\u0000'],
    ['a character beyond ASCII', 'Zm9é'],
    ['a character beyond Latin-1', 'Zm9\u2603'],
    ['unused bits, one byte (§3.5)', 'Zh=='],
    ['unused bits, two bytes (§3.5)', 'Zm9='],
  ])('refuses %s', (_name, text) => {
    expect(() => decodeBase64(text)).toThrow(PacketError);
  });

  it('throws nothing but PacketError on noise', () => {
    const random = seededRandom(4);
    for (let run = 0; run < 3000; run++) {
      const characters = Array.from({ length: Math.floor(random() * 5) * 4 }, () =>
        String.fromCharCode(Math.floor(random() ** 2 * 256)),
      );
      try {
        decodeBase64(characters.join(''));
      } catch (error) {
        expect(error).toBeInstanceOf(PacketError);
      }
    }
  });
});
