import { expect, test } from 'vitest';
import type { MeterKernel } from '../src/core/metering/meter-kernel.ts';
import { PEAK, SIZES, SLICE, SQUARES, SUM } from '../src/core/metering/meter-kernel.ts';
import { meterModule } from '../src/core/metering/meter-module.ts';
import { ppmBallistics } from '../src/core/metering/ppm-ballistics.ts';
import { TypeScriptMeterKernel } from '../src/core/metering/typescript-meter-kernel.ts';
import { WasmMeterKernel } from '../src/core/metering/wasm-meter-kernel.ts';
import { seededRandom } from './helpers/random.ts';
import { noise, sine } from './helpers/signals.ts';

const RATE = 48000;

function kernels(channels: number): readonly [MeterKernel, MeterKernel] {
  const wasm = WasmMeterKernel.create(meterModule(), RATE, channels);
  expect(wasm?.execution).toBe('wasm');
  return [new TypeScriptMeterKernel(RATE, channels), wasm!];
}

/** Relative, or to 1e-3. Not by `expect`: it is asked a hundred thousand times. */
function checkClose(actual: number, expected: number, what: string, most = 2e-6): void {
  const difference = Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-3);
  if (!(difference < most)) throw new Error(`${what}: ${actual} instead of ${expected}`);
}

test('WebAssembly and TypeScript agree on everything, block for block', () => {
  const random = seededRandom(1);
  for (const channels of [1, 2, 3, 6]) {
    const both = kernels(channels);
    for (const kernel of both) kernel.setBallistics(ppmBallistics('I', RATE));
    const weights = Float64Array.from({ length: channels }, (_, c) => [1, 0.7, 1, 0, 1.41][c % 5]!);
    // The first lies in the kernel's own memory, the second does not.
    const targets = [0, 1].map(() => [both[0].mixTarget(600), both[1].mixTarget(600)] as const);
    for (let round = 0; round < 150; round++) {
      const frames = 1 + Math.floor(random() * SLICE);
      const level = 10 ** (-6 * random());
      const present = random() < 0.8 ? channels : Math.floor(random() * (channels + 1));
      const block = Array.from({ length: present }, () => {
        const samples =
          random() < 0.5 ? noise(random, frames + 9, level) : tone(random, frames + 9, level);
        if (random() < 0.2)
          samples[Math.floor(random() * frames)] = [NaN, Infinity, -2][round % 3]!;
        return samples;
      });
      const from = random() < 0.5 ? 0 : Math.floor(random() * 9);
      for (const kernel of both) kernel.load(block, from, frames);
      compare(both, weights, frames, random, targets);
      if (random() < 0.05) for (const kernel of both) kernel.silence(channels - 1);
      if (random() < 0.02) for (const kernel of both) kernel.reset();
    }
  }
});

test('samples beyond 2⁵⁰ are clipped, and nothing becomes NaN or infinite', () => {
  for (const kernel of kernels(2)) {
    const huge = Float32Array.from({ length: 64 }, (_, n) => (n % 2 === 0 ? 3.4e38 : -3.4e38));
    kernel.load([huge, huge], 0, 64);
    kernel.scan(0, 64);
    expect(kernel.scanned[kernel.scanAt(0) + PEAK]).toBe(2 ** 50);
    expect(sampleOf(kernel, 1, 1)).toBe(-(2 ** 50));
    expect(kernel.nonFinite(0)).toBe(0);
    expect(kernel.scanned[kernel.scanAt(1) + SQUARES]).toBeLessThan(1e33);
    kernel.energy(Float64Array.of(1, 1), 0, 64);
    expect(kernel.result[0]).toBeLessThan(1e35);
    kernel.result[0] = 0;
    kernel.truePeak(0, 0, 64);
    const peak = kernel.result[0];
    expect(peak).toBeGreaterThanOrEqual(2 ** 50);
    expect(peak).toBeLessThan(2 ** 53);
  }
});

test('a filter that rings out ends at zero, not in denormals', () => {
  for (const kernel of kernels(2)) {
    const weights = Float64Array.of(1, 1);
    const click = new Float32Array(SLICE);
    click[0] = 1;
    kernel.load([click, click], 0, SLICE);
    kernel.energy(weights, 0, SLICE);
    expect(kernel.result[0]).toBeGreaterThan(0);
    let blocks = 0;
    do {
      kernel.load([], 0, SLICE);
      kernel.energy(weights, 0, SLICE);
      blocks++;
    } while (kernel.result[0] !== 0 && blocks < 1000);
    expect(blocks).toBeLessThan(200);
  }
});

test('bytes that are not WebAssembly create no kernel', () => {
  expect(WasmMeterKernel.create(Uint8Array.of(1, 2, 3), RATE, 1)).toBeUndefined();
});

function sampleOf(kernel: MeterKernel, channel: number, frame: number): number {
  return kernel.samples(channel)[kernel.sampleAt(channel) + frame]!;
}

function tone(random: () => number, frames: number, amplitude: number): Float32Array {
  const frequency = random() * 0.48 * RATE;
  return sine({ frequency, sampleRate: RATE, frames, amplitude, phase: 7 * random() });
}

function compare(
  [typescript, wasm]: readonly [MeterKernel, MeterKernel],
  weights: Float64Array,
  frames: number,
  random: () => number,
  targets: readonly (readonly [Float32Array, Float32Array])[],
): void {
  for (let at = 0; at < frames;) {
    const count = Math.min(frames - at, 1 + Math.floor(random() * 300));
    typescript.scan(at, count);
    wasm.scan(at, count);
    for (const kernel of [typescript, wasm]) kernel.energy(weights, at, count);
    checkClose(wasm.result[0]!, typescript.result[0]!, 'energy');
    typescript.charge(at, count);
    wasm.charge(at, count);
    const scale = Math.max(
      1e-3,
      ...Array.from(weights, (_, c) => typescript.scanned[typescript.scanAt(c) + SIZES]!),
    );
    for (let channel = 0; channel < weights.length; channel++) {
      checkClose(wasm.nonFinite(channel), typescript.nonFinite(channel), 'non-finite');
      const both = (what: number): [number, number] => [
        wasm.scanned[wasm.scanAt(channel) + what]!,
        typescript.scanned[typescript.scanAt(channel) + what]!,
      ];
      checkClose(...both(PEAK), 'peak');
      checkClose(...both(SQUARES), 'squares');
      checkClose(...both(SIZES), 'sizes');
      const [sum, expected] = both(SUM);
      checkClose(2 + sum / scale, 2 + expected / scale, 'sum');
      for (const kernel of [wasm, typescript]) kernel.readQuasiPeak(channel);
      // Single precision gathers what it rounds: 0.0002 dB.
      checkClose(wasm.result[0]!, typescript.result[0]!, 'quasi-peak', 2e-5);
      checkClose(wasm.result[1]!, typescript.result[1]!, 'max quasi-peak', 2e-5);
      const floor = random() < 0.5 ? 0 : random() * both(PEAK)[1];
      for (const kernel of [typescript, wasm]) {
        kernel.result[0] = floor;
        kernel.truePeak(channel, at, count);
      }
      checkClose(wasm.result[0]!, typescript.result[0]!, 'true peak');
      checkClose(sampleOf(wasm, channel, at), sampleOf(typescript, channel, at), 'sample');
    }
    const present = Math.floor(random() * (weights.length + 1));
    for (const [a, b] of targets) {
      typescript.mix(present, at, count, a, 5);
      wasm.mix(present, at, count, b, 5);
      for (let i = 0; i < count; i++) checkClose(b[5 + i]! / scale, a[5 + i]! / scale, 'mix');
    }
    at += count;
  }
}
