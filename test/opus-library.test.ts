import { expect, test } from 'vitest';
import { opusWasm } from '../scripts/opus-wasm.mjs';
import { OPUS_EXPORTS, OpusLibrary } from '../src/core/codec/opus-library.ts';
import { MicwireError } from '../src/core/errors.ts';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { opusLibrary, opusModule } from './helpers/opus.ts';

test('the minified names are those of the installed package', async () => {
  const { exports } = await opusWasm();
  for (const [name, minified] of Object.entries(OPUS_EXPORTS)) {
    expect(exports.get(name), name).toBe(minified);
  }
});

test('the library is libopus 1.6.1', async () => {
  expect((await opusLibrary()).version).toMatch(/^libopus 1\.6\.1/);
});

test('a value that is not a module, or another module, is refused with the cure', async () => {
  expect(() => new OpusLibrary(undefined as never)).toThrow(TypeError);
  const empty = await WebAssembly.compile(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  expect(() => new OpusLibrary(empty)).toThrow(MicwireError);
  expect(() => new OpusLibrary(empty)).toThrow(/loadOpusModule/);
});

test('memory is released: a thousand encoders and decoders, one after the other, do not make it grow', async () => {
  const library = new OpusLibrary(await opusModule());
  const before = library.bytes.length;
  for (let i = 0; i < 1000; i++) {
    const format = { sampleRate: 48_000, channels: 2 };
    const encoder = new OpusEncoder(library, format);
    const decoder = new OpusDecoder(library, format);
    encoder.reset();
    decoder.reset();
    encoder.close();
    decoder.close();
    encoder.close();
  }
  expect(library.bytes.length).toBe(before);
});

test('memory grows when many are open at once, and those opened before continue', async () => {
  const library = new OpusLibrary(await opusModule());
  const before = library.bytes.length;
  const format = { sampleRate: 48_000, channels: 2, packetDurationMs: 120 };
  const first = new OpusEncoder(library, format);
  const input = [new Float32Array(5760).fill(0.1), new Float32Array(5760).fill(-0.1)];
  const target = new Uint8Array(first.maxBytes());
  const length = first.encode(input, 0, 5760, target, 0);
  first.reset();
  const others = Array.from({ length: 400 }, () => new OpusEncoder(library, format));
  expect(library.bytes.length).toBeGreaterThan(before);
  const again = new Uint8Array(first.maxBytes());
  expect(first.encode(input, 0, 5760, again, 0)).toBe(length);
  expect(again).toEqual(target);
  for (const encoder of others) encoder.close();
});

test('after close, calls throw', async () => {
  const library = await opusLibrary();
  const encoder = new OpusEncoder(library, { sampleRate: 48_000, channels: 1 });
  const decoder = new OpusDecoder(library, { sampleRate: 48_000, channels: 1 });
  encoder.close();
  decoder.close();
  const output = [new Float32Array(960)];
  const target = new Uint8Array(1276);
  const closed = expect.objectContaining({ code: 'closed' });
  expect(() => encoder.encode(output, 0, 960, target, 0)).toThrow(closed);
  expect(() => decoder.conceal(960, output, 0)).toThrow(closed);
});
