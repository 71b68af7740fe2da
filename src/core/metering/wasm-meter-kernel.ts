import { kWeightingCoefficients } from './k-weighting.ts';
import {
  HISTORY,
  SCAN_NUMBERS,
  SLICE,
  thinSamples,
  SCAN_SLOTS,
  ScanSlots,
} from './meter-kernel.ts';
import type { MeterKernel } from './meter-kernel.ts';
import { ppmBallistics } from './ppm-ballistics.ts';
import type { PpmBallistics } from './ppm-ballistics.ts';
import { TRUE_PEAK_TAPS, truePeakFilter } from './true-peak-filter.ts';
import { instantiateWasm } from '../dsp/wasm-instance.ts';
import type { WasmInstance } from '../dsp/wasm-instance.ts';

/** The exports of wasm/meter/index.ts. Addresses and lengths are in bytes, except `frames`. */
interface MeterExports {
  move(from: number, to: number, stride: number, channels: number, bytes: number): void;
  clean(input: number, stride: number, channels: number, frames: number, counts: number): void;
  scan(input: number, stride: number, channels: number, frames: number, results: number): void;
  energy(
    input: number,
    stride: number,
    channels: number,
    frames: number,
    coefficients: number,
    state: number,
    weights: number,
    result: number,
  ): void;
  truePeak(
    input: number,
    frames: number,
    halves: number,
    quarters: number,
    middle: number,
    result: number,
  ): void;
  charge(
    input: number,
    stride: number,
    channels: number,
    frames: number,
    ballistics: number,
    rise: number,
    fall: number,
    loss: number,
    integrators: number,
  ): void;
  mix(input: number, stride: number, present: number, frames: number, target: number): void;
  thin(source: number, factor: number, count: number, target: number): void;
}

/** The kernel reads and writes up to this many values past a block. */
const SLACK = 16;
/** Frames of a channel's memory after the history: blocks are written one after the other, so that the history rarely has to move. */
const ROOM = 4 * SLICE;
/** Bytes per channel: history, blocks, slack. */
const STRIDE = 4 * (HISTORY + ROOM + SLACK);
/** Frames of the mix target in the kernel's memory: 10 ms at 768 kHz. */
const MIX = 7680;
/** Samples of the thin target there: 10 ms at 16 kHz. */
const THIN = 160;
const FILTER_STATE = 12;
/** Single-precision numbers per pair of channels. */
const QUASI_PEAK_STATE = 8;

/** As in the resampler's kernel: V8 compiles a faster call from JavaScript into an exported function at its thousandth call. */
const WARM_UP_CALLS = 1100;

/** The meters' arithmetic in WebAssembly SIMD: true peak in single precision, filters in double. */
export class WasmMeterKernel implements MeterKernel {
  readonly execution = 'wasm' as const;
  readonly channels: number;
  continues = false;
  readonly result: Float64Array;
  readonly scanned: Float64Array;
  readonly #instance: WasmInstance<MeterExports>;
  readonly #exports: MeterExports;
  readonly #samples: Float32Array;
  readonly #numbers: Float64Array;
  /** Number of channels with memory: an even number, because filters take two at a time. */
  readonly #pairs: number;
  readonly #slots: ScanSlots = new ScanSlots();
  #loaded = 0;
  /** The only mix target in the kernel's memory. */
  #mixTarget: Float32Array | undefined;
  /** The only thin target there. */
  #thinTarget: Float32Array | undefined;
  /** Addresses in bytes. */
  readonly #memory: number;
  /** Offset of the block's first sample. */
  #input: number;
  readonly #counts: number;
  readonly #results: number;
  readonly #coefficients: number;
  readonly #filters: number;
  readonly #weights: number;
  readonly #halves: number;
  readonly #quarters: number;
  readonly #middle: number;
  readonly #mix: number;
  readonly #thin: number;
  readonly #resultAt: number;
  readonly #ballistics: number;
  readonly #rise: number;
  readonly #fall: number;
  readonly #loss: number;
  readonly #integrators: number;
  /** The weights that the kernel's memory holds; different ones are copied when they are passed. */
  #latestWeights: Float64Array | undefined;
  /** How much the shelf, whose first coefficient is 1 here, lowers the power. */
  readonly #gain: number;

  /** Creates a kernel; undefined if WebAssembly cannot run here. */
  static create(module: object, sampleRate: number, channels: number): WasmMeterKernel | undefined {
    const layout = new Layout(channels);
    const instance = instantiateWasm<MeterExports>('meter', module, layout.bytes);
    return instance && new WasmMeterKernel(layout, instance, sampleRate, channels);
  }

  private constructor(
    layout: Layout,
    instance: WasmInstance<MeterExports>,
    sampleRate: number,
    channels: number,
  ) {
    const { exports, memory } = instance;
    this.#instance = instance;
    this.channels = channels;
    this.#pairs = layout.channels;
    // An instance's exports have a unique shape, which engines look up slowly if there are several.
    this.#exports = { ...exports };
    this.#samples = new Float32Array(memory);
    this.#numbers = new Float64Array(memory);
    this.#memory = layout.input;
    this.#input = layout.input + 4 * HISTORY;
    this.#counts = layout.counts;
    this.#results = layout.results;
    this.scanned = new Float64Array(
      memory,
      layout.results,
      SCAN_NUMBERS * layout.channels * SCAN_SLOTS,
    );
    this.#coefficients = layout.coefficients;
    this.#filters = layout.filters;
    this.#weights = layout.weights;
    this.#halves = layout.halves;
    this.#quarters = layout.quarters;
    this.#middle = layout.middle;
    this.#mix = layout.mix;
    this.#thin = layout.thin;
    this.#resultAt = layout.result;
    this.result = new Float64Array(memory, layout.result, 2);
    this.#ballistics = layout.ballistics;
    this.#rise = layout.rise;
    this.#fall = layout.fall;
    this.#loss = layout.loss;
    this.#integrators = layout.integrators;
    const { shelf, highPass } = kWeightingCoefficients(sampleRate);
    const [b0, b1, b2, a1, a2] = shelf;
    const [h1, h2] = highPass;
    this.#gain = b0 * b0;
    this.#numbers.set([b1 / b0, b2 / b0, a1, a2, -1 - h1, 1 + h1 + h2], this.#coefficients / 8);
    const { quarter, half, norm } = truePeakFilter();
    // No call has a fraction as an argument: engines may allocate it.
    this.#numbers[this.#resultAt / 8 + 2] = norm;
    for (const [pair, weight] of half.entries()) {
      const at = this.#halves / 4 + 4 * pair;
      this.#samples.fill(weight, at, at + 4);
    }
    // Phase 1 for the oldest sample first, then phase 3, which is its mirror image, then phase 2.
    this.#samples.set(
      [...quarter.toReversed(), ...quarter, ...half, ...half.toReversed()],
      this.#quarters / 4,
    );
    this.setBallistics(ppmBallistics('IIb', sampleRate));
  }

  release(): void {
    this.#instance.release();
  }

  load(block: readonly Float32Array[], from: number, frames: number): void {
    const samples = this.#samples;
    this.#input += 4 * this.#loaded;
    const first = this.#memory + 4 * HISTORY;
    if (this.#input + 4 * frames > first + 4 * ROOM) {
      const history = this.#input - 4 * HISTORY;
      this.#exports.move(history, this.#memory, STRIDE, this.channels, 4 * HISTORY);
      this.#input = first;
    }
    for (let channel = 0; channel < this.channels; channel++) {
      const at = (this.#input + channel * STRIDE) >> 2;
      if (channel >= block.length) samples.fill(0, at, at + frames);
      else {
        const source = block[channel]!;
        if (from === 0 && frames === source.length) samples.set(source, at);
        else for (let i = 0; i < frames; i++) samples[at + i] = source[from + i]!;
      }
    }
    this.#exports.clean(this.#input, STRIDE, this.channels, frames, this.#counts);
    this.#loaded = frames;
    this.#slots.clear();
  }

  nonFinite(channel: number): number {
    return this.#numbers[(this.#counts >> 3) + channel]!;
  }

  samples(_channel: number): Float32Array {
    return this.#samples;
  }

  sampleAt(channel: number): number {
    return (this.#input + channel * STRIDE) >> 2;
  }

  scan(from: number, frames: number): void {
    if (this.#slots.find(from, frames)) return;
    const input = this.#input + 4 * from;
    this.#exports.scan(input, STRIDE, this.channels, frames, this.#results + 8 * this.scanAt(0));
  }

  scanAt(channel: number): number {
    return SCAN_NUMBERS * (this.#slots.current * this.#pairs + channel);
  }

  energy(weights: Float64Array, from: number, frames: number): void {
    if (weights !== this.#latestWeights) {
      this.#latestWeights = weights;
      const first = this.#weights >> 3;
      for (let c = 0; c < weights.length; c++) this.#numbers[first + c] = weights[c]! * this.#gain;
    }
    const input = this.#input + 4 * from;
    this.#exports.energy(
      input,
      STRIDE,
      this.#pairs,
      frames,
      this.#coefficients,
      this.#filters,
      this.#weights,
      this.#resultAt,
    );
  }

  truePeak(channel: number, from: number, frames: number): void {
    this.#exports.truePeak(
      this.#input + channel * STRIDE + 4 * from,
      frames,
      this.#halves,
      this.#quarters,
      this.#middle,
      this.#resultAt,
    );
  }

  setBallistics(ballistics: PpmBallistics): void {
    const { fall, slowKeep, slowTake, fastKeep, fastTake, slowShare, fastShare } = ballistics;
    const samples = this.#samples;
    // The slow integrators of two channels, then the fast ones; each is stored multiplied by its share of the reading.
    const lanes = (slow: number, fast: number): number[] => [slow, slow, fast, fast];
    const slowLeft = slowKeep / fall;
    const fastLeft = fastKeep / fall;
    samples.set(
      [
        ...lanes(slowLeft, fastLeft),
        ...lanes(slowLeft ** 2, fastLeft ** 2),
        ...lanes(slowTake * slowShare, fastTake * fastShare),
      ],
      this.#ballistics / 4,
    );
    for (let frame = 0; frame <= SLICE; frame++) {
      const left = fall ** frame;
      samples[this.#loss / 4 + frame] = 1 - left;
      if (frame === 0) continue;
      samples.fill(left, this.#fall / 4 + 2 * frame - 2, this.#fall / 4 + 2 * frame);
      samples.fill(1 / left, this.#rise / 4 + 2 * frame - 2, this.#rise / 4 + 2 * frame);
    }
  }

  charge(from: number, frames: number): void {
    this.#exports.charge(
      this.#input + 4 * from,
      STRIDE,
      this.#pairs,
      frames,
      this.#ballistics,
      this.#rise,
      this.#fall,
      this.#loss,
      this.#integrators,
    );
  }

  readQuasiPeak(channel: number): void {
    const at = (this.#integrators >> 2) + (channel >> 1) * QUASI_PEAK_STATE + (channel & 1);
    const samples = this.#samples;
    this.result[0] = samples[at]! + samples[at + 2]!;
    this.result[1] = samples[at + 4]!;
  }

  mixTarget(frames: number): Float32Array {
    if (frames > MIX || this.#mixTarget !== undefined) return new Float32Array(frames);
    this.#mixTarget = new Float32Array(this.#samples.buffer, this.#mix, frames);
    return this.#mixTarget;
  }

  mix(present: number, from: number, frames: number, target: Float32Array, at: number): void {
    if (present === 0) {
      target.fill(0, at, at + frames);
      return;
    }
    const source = this.#input + 4 * from;
    if (target === this.#mixTarget) {
      this.#exports.mix(source, STRIDE, present, frames, this.#mix + 4 * at);
      return;
    }
    const samples = this.#samples;
    const first = source >> 2;
    for (let i = 0; i < frames; i++) {
      let sum = 0;
      for (let channel = 0; channel < present; channel++) {
        sum += samples[first + channel * (STRIDE >> 2) + i]!;
      }
      target[at + i] = sum / present;
    }
  }

  thinTarget(samples: number): Float32Array {
    if (samples > THIN || this.#thinTarget !== undefined) return new Float32Array(samples);
    this.#thinTarget = new Float32Array(this.#samples.buffer, this.#thin, samples);
    return this.#thinTarget;
  }

  thin(source: Float32Array, factor: number, target: Float32Array): void {
    if (source === this.#mixTarget && target === this.#thinTarget) {
      this.#exports.thin(this.#mix, factor, target.length, this.#thin);
    } else thinSamples(source, factor, target);
  }

  silence(channel: number): void {
    const filters = this.#filters >> 3;
    for (let c = channel; c < this.#pairs; c++) {
      // Each of a pair's six numbers is stored for both channels.
      const at = filters + (c >> 1) * FILTER_STATE + (c & 1);
      for (let i = 0; i < FILTER_STATE; i += 2) this.#numbers[at + i] = 0;
    }
  }

  warmUp(): void {
    if (!this.#instance.isNew) return;
    const exports = this.#exports;
    const at = this.#input;
    for (let i = 0; i < WARM_UP_CALLS; i++) {
      exports.move(at, at, STRIDE, 0, 0);
      exports.clean(at, STRIDE, 0, 0, this.#counts);
      exports.scan(at, STRIDE, 0, 0, this.#results);
      exports.energy(
        at,
        STRIDE,
        0,
        0,
        this.#coefficients,
        this.#filters,
        this.#weights,
        this.#resultAt,
      );
      exports.truePeak(at, 0, this.#halves, this.#quarters, this.#middle, this.#resultAt);
      exports.charge(
        at,
        STRIDE,
        0,
        0,
        this.#ballistics,
        this.#rise,
        this.#fall,
        this.#loss,
        this.#integrators,
      );
      exports.mix(at, STRIDE, 1, 0, this.#mix);
      exports.thin(this.#mix, 1, 0, this.#thin);
    }
  }

  reset(): void {
    if (!this.continues) {
      const first = this.#memory >> 2;
      this.#samples.fill(0, first, first + (this.#pairs * STRIDE) / 4);
      this.#input = this.#memory + 4 * HISTORY;
      this.#loaded = 0;
      this.silence(0);
    }
    const integrators = this.#integrators >> 2;
    this.#samples.fill(0, integrators, integrators + (this.#pairs / 2) * QUASI_PEAK_STATE);
  }
}

/** Layout of the kernel's memory. */
class Layout {
  readonly channels: number;
  readonly input: number;
  readonly counts: number;
  readonly results: number;
  readonly coefficients: number;
  readonly filters: number;
  readonly weights: number;
  readonly halves: number;
  readonly quarters: number;
  readonly middle: number;
  readonly mix: number;
  readonly thin: number;
  readonly ballistics: number;
  readonly rise: number;
  readonly fall: number;
  readonly loss: number;
  readonly integrators: number;
  readonly result: number;
  #end = 0;

  constructor(channels: number) {
    const even = 2 * Math.ceil(channels / 2);
    this.channels = even;
    this.input = this.#reserve(even * STRIDE + 4 * SLACK);
    this.counts = this.#reserve(8 * even);
    this.results = this.#reserve(8 * SCAN_NUMBERS * even * SCAN_SLOTS);
    this.coefficients = this.#reserve(6 * 8);
    this.filters = this.#reserve(8 * FILTER_STATE * (even / 2));
    this.weights = this.#reserve(8 * even);
    this.halves = this.#reserve(16 * (TRUE_PEAK_TAPS / 2));
    this.quarters = this.#reserve(12 * TRUE_PEAK_TAPS);
    this.middle = this.#reserve(4 * (SLICE + SLACK + 4)) + 16;
    this.mix = this.#reserve(4 * (MIX + SLACK));
    this.thin = this.#reserve(4 * THIN);
    this.result = this.#reserve(24);
    this.ballistics = this.#reserve(3 * 16);
    this.rise = this.#reserve(8 * (SLICE + 1));
    this.fall = this.#reserve(8 * (SLICE + 1));
    this.loss = this.#reserve(4 * (SLICE + 1));
    this.integrators = this.#reserve(4 * QUASI_PEAK_STATE * (even / 2));
  }

  get bytes(): number {
    return this.#end;
  }

  #reserve(bytes: number): number {
    const at = this.#end;
    this.#end = 16 * Math.ceil((at + bytes) / 16);
    return at;
  }
}
