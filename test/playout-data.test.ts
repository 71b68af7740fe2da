import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { isArrayBuffer, typedArrayName, toBytes } from '../src/core/playout/playout-data.ts';
import type { PayloadFormat } from '../src/core/format/formats.ts';
import type { PlayoutData } from '../src/core/playout/playout-data.ts';

const foreign = <T>(code: string): T => runInNewContext(code) as T;

describe('toBytes', () => {
  it.each<[string, PlayoutData]>([
    ['a Uint8Array', Uint8Array.of(1, 2, 3, 4)],
    ['a part of one', Uint8Array.of(0, 1, 2, 3, 4, 5).subarray(1, 5)],
    ['a Buffer', Buffer.of(1, 2, 3, 4)],
    ['an ArrayBuffer', Uint8Array.of(1, 2, 3, 4).buffer],
    ['a DataView', new DataView(Uint8Array.of(0, 1, 2, 3, 4).buffer, 1)],
    ['samples of 16 bits', Int16Array.of(0x0201, 0x0403)],
    ['Base64', 'AQIDBA=='],
    ['Base64 for URLs', 'AQIDBA'],
    ['an ArrayBuffer of another realm', foreign('Uint8Array.of(1, 2, 3, 4).buffer')],
    ['a Uint8Array of another realm', foreign('Uint8Array.of(1, 2, 3, 4)')],
    ['an Int16Array of another realm', foreign('Int16Array.of(0x0201, 0x0403)')],
    ['a DataView of another realm', foreign('new DataView(Uint8Array.of(1, 2, 3, 4).buffer)')],
  ])('takes %s', (_name, data) => {
    expect([...toBytes(data, 's16')]).toEqual([1, 2, 3, 4]);
  });

  it.each<[PayloadFormat, ArrayBufferView, RegExp]>([
    ['s16', new Float32Array(4), /takes 's16', got a Float32Array.*format 'f32'.*Int16Array\.from/],
    ['f32', new Int16Array(4), /takes 'f32', got a Int16Array.*format 's16'.*x \/ 32768/],
    ['s24', new Float32Array(4), /format 'f32'/],
    ['mulaw', new Int16Array(4), /format 's16'/],
    ['alaw', new Float32Array(4), /format 'f32'/],
    ['opus', new Float32Array(4), /format 'f32'/],
    ['f32', new Float64Array(4), /Float32Array\.from\(data\)/],
    [
      's16',
      new Float32Array(4),
      /Math\.max\(-32768, Math\.min\(32767, Math\.round\(x \* 32768\)\)\)/,
    ],
    ['s16', new Float64Array(4), /new Uint8Array\(data\.buffer/],
    ['s16', new Uint16Array(4), /got a Uint16Array/],
    ['s24', new Int32Array(4), /got a Int32Array/],
    ['f32', new BigInt64Array(4), /got a BigInt64Array/],
    ['s16', foreign('new Float32Array(4)'), /takes 's16', got a Float32Array/],
  ])('refuses for %s what would be noise, and names the cure', (format, data, message) => {
    expect(() => toBytes(data, format)).toThrow(TypeError);
    expect(() => toBytes(data, format)).toThrow(message);
  });

  it('documents conversions that are right', () => {
    const floats = Float32Array.of(-1, -0.5, 0, 0.5, 1);
    const integers = Int16Array.from(floats, (x) =>
      Math.max(-32768, Math.min(32767, Math.round(x * 32768))),
    );
    expect([...integers]).toEqual([-32768, -16384, 0, 16384, 32767]);
    expect([...Float32Array.from(integers, (x) => x / 32768)].slice(0, 4)).toEqual([
      -1, -0.5, 0, 0.5,
    ]);
  });

  it.each([
    null,
    undefined,
    5,
    {},
    [1, 2],
    { byteLength: 4 },
    { [Symbol.toStringTag]: 'ArrayBuffer' },
  ])('refuses %j by its type', (data) => {
    expect(() => toBytes(data as unknown as PlayoutData, 's16')).toThrow(
      /^data must be a typed array/,
    );
  });
});

describe('the kind of a value of any realm', () => {
  it('are recognized by internal slots, not by names', () => {
    expect(isArrayBuffer(foreign('new ArrayBuffer(1)'))).toBe(true);
    expect(isArrayBuffer({ [Symbol.toStringTag]: 'ArrayBuffer', byteLength: 1 })).toBe(false);
    expect(isArrayBuffer(new Proxy(new ArrayBuffer(1), {}))).toBe(false);
    expect(isArrayBuffer(null)).toBe(false);
    expect(typedArrayName(foreign('new Float32Array(1)'))).toBe('Float32Array');
    expect(typedArrayName(new DataView(new ArrayBuffer(1)))).toBeUndefined();
    expect(
      typedArrayName(
        Object.defineProperty(new Int8Array(1), Symbol.toStringTag, { value: 'Uint8Array' }),
      ),
    ).toBe('Int8Array');
    expect(typedArrayName('x')).toBeUndefined();
  });
});
