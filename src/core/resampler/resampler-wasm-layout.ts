import { blockFramesFor, blockSizes, greatestCommonDivisor } from './resampler-plan.ts';
import type {
  DoubleStage,
  HalveStage,
  InterpolatedStage,
  PolyphaseStage,
  ResamplerPlan,
  ResamplerStage,
} from './resampler-plan.ts';

/** Values in the largest buffer between stages: they stay in the nearest cache. */
const SLICE = 1024;
/** Values in the input and output buffers: a whole block is copied in and out at once. */
const MAX_BLOCK = 16_384;
/** Kernels write up to this many bytes before and after their blocks. */
const SLACK_BYTES = 512;
const REGISTER_BYTES = 16;
/** From this many pairs of taps on, splitting a filter into quarters pays off. */
const FAST_FROM_PAIRS = 24;
/** … unless the output rate is lower by this factor, so that a render quantum gives too few outputs for it. */
const FEW_OUTPUTS_RATIO = 4;
/** Outputs that fast-fir.ts computes together. */
const GROUP = 4;
/** The fields of `Stage` in wasm/resampler/stage.ts, in its order; each takes four bytes. */
const FIELDS = [
  ['kind', 'line', 'fill', 'lineFrom', 'lineTo', 'evenLine', 'evenFill', 'evenFrom', 'evenTo'],
  ['parity', 'output'],
  ['oddTaps', 'oddPairs', 'evenTaps', 'evenPairs', 'centre'],
  ['fastOdd', 'fastEven', 'carry', 'before', 'scratch'],
  ['up', 'down', 'taps', 'table', 'moves', 'groups', 'rows'],
  ['group', 'done', 'start', 'phase', 'lead', 'phases'],
].flat();
const KINDS = { halve: 0, double: 1, polyphase: 2, interpolated: 3 } as const;
const PERIODIC_UP = 4;
const PERIODIC_DOWN = 5;

type Fields = Readonly<Record<string, number>>;

/** The memory of one stream: addresses of its states, by channel, and of its lines. */
export interface ResamplerSeat {
  readonly states: readonly number[];
  readonly stateBytes: number;
  readonly linesFrom: number;
  readonly linesTo: number;
}

/**
 * The layout of the kernel's memory, and its contents before the first block. Streams with the same plan may share the memory:
 * they use the same tables, blocks, input and output, since one block of one channel is converted at a time.
 */
export class ResamplerLayout {
  readonly maxFrames: number;
  readonly slice: number;
  readonly stages: number;
  readonly wide: number;
  readonly seats: readonly ResamplerSeat[];
  /** Addresses of a channel's block before and after the conversion. */
  readonly input: number;
  readonly output: number;
  /** By channel, seat after seat. */
  readonly #channels: (readonly Fields[])[] = [];
  readonly #data: { readonly at: number; readonly values: Float64Array | Int32Array }[] = [];
  readonly #double: boolean;
  /** The number of pairs of taps from which a filter is split into quarters. */
  readonly #fastFromPairs: number;
  readonly #valueBytes: number;
  #end: number;

  constructor(plan: ResamplerPlan, channels: number, seats: number) {
    this.#double = plan.quality === 'vhq';
    this.#valueBytes = this.#double ? 8 : 4;
    const fewOutputs = !this.#double && plan.inputRate >= FEW_OUTPUTS_RATIO * plan.outputRate;
    this.#fastFromPairs = fewOutputs ? Infinity : FAST_FROM_PAIRS;
    this.slice = blockFramesFor(plan, SLICE);
    this.maxFrames = Math.max(this.slice, blockFramesFor(plan, MAX_BLOCK));
    this.stages = plan.stages.length;
    const sizes = blockSizes(plan, this.slice);
    // Address 0 is the first stage's state; every buffer comes after the states.
    const stateBytes = this.stages * FIELDS.length * 4;
    this.#end = seats * channels * stateBytes;

    const tables = plan.stages.map((stage, index) => this.#tables(stage, plan.stages[index + 1]));
    // Blocks between stages are shared: channels are converted one after the other.
    const blocks = sizes.map((size) => this.#reserve(size, this.#valueBytes));
    const scratch = this.#reserve(10 * Math.max(...sizes) + 12288, this.#valueBytes);
    this.wide = this.#double ? blocks[0]! : 0;
    const lines = (stage: ResamplerStage, index: number): Fields => ({
      kind: KINDS[stage.kind],
      ...tables[index]!,
      ...this.#lines(stage, sizes[index]!),
      output: blocks[index + 1]!,
      scratch,
    });
    this.seats = Array.from({ length: seats }, (_seat, seat) => {
      const linesFrom = this.#end;
      const states = Array.from({ length: channels }, (_channel, channel) => {
        this.#channels.push(plan.stages.map(lines));
        return (seat * channels + channel) * stateBytes;
      });
      return { states, stateBytes: channels * stateBytes, linesFrom, linesTo: this.#end };
    });
    this.input = this.#reserve(this.maxFrames, 4);
    this.output = this.#reserve(blockSizes(plan, this.maxFrames).at(-1)!, 4);
  }

  get bytes(): number {
    return this.#end;
  }

  /** Writes states and coefficients. */
  write(memory: ArrayBuffer): void {
    const words = new Int32Array(memory);
    let at = 0;
    for (const fields of this.#channels.flat()) {
      for (const name of FIELDS) words[at++] = fields[name] ?? 0;
    }
    const wide = new Float64Array(memory);
    const narrow = new Float32Array(memory);
    for (const { at: address, values } of this.#data) {
      if (values instanceof Int32Array) words.set(values, address / 4);
      else if (this.#double) wide.set(values, address / 8);
      else narrow.set(values, address / 4);
    }
  }

  /** Reserves room for `count` values, with slack on both sides. */
  #reserve(count: number, valueBytes: number): number {
    const at = REGISTER_BYTES * Math.ceil((this.#end + SLACK_BYTES) / REGISTER_BYTES);
    this.#end = at + count * valueBytes + SLACK_BYTES;
    return at;
  }

  #put(values: Float64Array | Int32Array): number {
    const at = this.#reserve(values.length, values instanceof Int32Array ? 4 : this.#valueBytes);
    this.#data.push({ at, values });
    return at;
  }

  #tables(stage: ResamplerStage, next: ResamplerStage | undefined): Fields {
    switch (stage.kind) {
      case 'halve':
      case 'double':
        return this.#symmetricTables(stage);
      case 'polyphase':
        if (stage.up === 3 && stage.down === 2) return this.#periodicTables(PERIODIC_UP, stage);
        if (stage.up === 2 && stage.down === 3 && next?.kind === 'halve') {
          return this.#periodicTables(PERIODIC_DOWN, stage);
        }
        return this.#polyphaseTables(stage);
      case 'interpolated':
        return this.#interpolatedTables(stage);
    }
  }

  #symmetricTables({ odd, even }: HalveStage | DoubleStage): Fields {
    const long = odd.length >= this.#fastFromPairs;
    const left = odd.toReversed();
    const evenLeft = even.slice(1).toReversed();
    return {
      oddTaps: this.#put(left),
      oddPairs: odd.length,
      evenTaps: this.#put(evenLeft),
      evenPairs: even.length - 1,
      centre: this.#put(even.slice(0, 1)),
      fastOdd: long ? this.#put(quarters(Float64Array.of(...left, ...odd))) : 0,
      fastEven:
        long && even.length > 1 ? this.#put(quarters(Float64Array.of(0, ...evenLeft, ...even))) : 0,
    };
  }

  /** See wasm/resampler/polyphase.ts. */
  #polyphaseTables({ up, down, taps, coefficients }: PolyphaseStage): Fields {
    const lanes = REGISTER_BYTES / this.#valueBytes;
    const groups = up / greatestCommonDivisor(up, lanes);
    const first = (output: number): number => Math.floor((output * down) / up);
    let rows = 0;
    for (let g = 0; g < groups; g++) {
      rows = Math.max(rows, first(g * lanes + lanes - 1) - first(g * lanes) + taps);
    }
    rows += rows % 2;
    const table = new Float64Array(groups * rows * lanes);
    const moves = new Int32Array(groups);
    for (let g = 0; g < groups; g++) {
      const start = first(g * lanes);
      moves[g] = first((g + 1) * lanes) - start;
      for (let lane = 0; lane < lanes; lane++) {
        const output = g * lanes + lane;
        const phase = (output * down) % up;
        const shift = first(output) - start;
        for (let i = 0; i < taps; i++) {
          table[(g * rows + shift + i) * lanes + lane] = coefficients[phase * taps + i]!;
        }
      }
    }
    return { up, down, taps, groups, rows, table: this.#put(table), moves: this.#put(moves) };
  }

  /** See wasm/resampler/periodic.ts. */
  #periodicTables(kind: number, { up, down, taps, coefficients }: PolyphaseStage): Fields {
    const shiftOf = (output: number): number => Math.floor((output * down) / up);
    const rows = Math.ceil((taps + shiftOf(up - 1)) / down);
    const table = new Float64Array(down * rows * up);
    for (let output = 0; output < up; output++) {
      const phase = (output * down) % up;
      for (let tap = 0; tap < taps; tap++) {
        const at = shiftOf(output) + tap;
        const row = (at % down) * rows + Math.floor(at / down);
        table[row * up + output] = coefficients[phase * taps + tap]!;
      }
    }
    return { kind, up, down, taps, rows, table: this.#put(table) };
  }

  #interpolatedTables({ up, down, taps, phases, coefficients }: InterpolatedStage): Fields {
    const lanes = REGISTER_BYTES / this.#valueBytes;
    const rows = lanes * Math.ceil(taps / lanes);
    const table = new Float64Array(phases * 4 * rows);
    for (let row = 0; row < phases * 4; row++) {
      table.set(coefficients.subarray(row * taps, (row + 1) * taps), row * rows);
    }
    return { up, down, taps, phases, rows, table: this.#put(table) };
  }

  /** Lays out the lines of one channel of a stage, and counts the silence before the stream that they hold. */
  #lines(stage: ResamplerStage, frames: number): Fields {
    switch (stage.kind) {
      case 'halve': {
        const reach = stage.odd.length;
        const before = stage.even.length > 1 ? stage.even.length : 0;
        const done = reach >= this.#fastFromPairs ? virtualOutputs(reach - 1) : 0;
        return {
          ...this.#line(2 * reach + GROUP + done + frames),
          fill: reach + done,
          ...this.#evenLine(2 * reach + GROUP + done + frames),
          evenFill: before + done,
          before,
          done,
          carry: this.#reserve(2 * GROUP, this.#valueBytes),
        };
      }
      case 'double': {
        const reach = stage.odd.length;
        const before = stage.even.length > 1 ? reach : reach - 1;
        const done = reach >= this.#fastFromPairs ? virtualOutputs(reach) : 0;
        return {
          ...this.#line(2 * reach + GROUP + done + frames),
          fill: before + done,
          before,
          done,
          carry: this.#reserve(2 * GROUP, this.#valueBytes),
        };
      }
      case 'polyphase':
      case 'interpolated': {
        const skipped = Math.ceil((4 * stage.down) / stage.up);
        const size = 2 * stage.taps + skipped + frames;
        return { ...this.#line(size), fill: stage.taps / 2 - 1 };
      }
    }
  }

  /** Reserves room for a line of at most `values`. */
  #line(values: number): Fields {
    const line = this.#reserve(values, this.#valueBytes);
    return { line, lineFrom: line, lineTo: line + values * this.#valueBytes };
  }

  #evenLine(values: number): Fields {
    const { line, lineTo } = this.#line(values);
    return { evenLine: line!, evenFrom: line!, evenTo: lineTo! };
  }
}

/**
 * Returns how many outputs before the stream's first count as already computed: a whole group, since nothing is carried over
 * into the first one, and enough more that a block of a multiple of 8 inputs ends on a whole group. So nothing is computed twice.
 */
function virtualOutputs(reach: number): number {
  return GROUP + (reach % GROUP);
}

/** The nine filters of wasm/resampler/fast-fir.ts, each a quarter as long as `taps`. */
function quarters(taps: Float64Array): Float64Array {
  const length = taps.length / 4;
  const combinations = [[0], [2], [1], [0, 1], [3], [2, 3], [0, 2], [1, 3], [0, 1, 2, 3]];
  return Float64Array.from({ length: 9 * length }, (_, index) => {
    const at = 4 * (index % length);
    let sum = 0;
    for (const part of combinations[Math.floor(index / length)]!) sum += taps[at + part]!;
    return sum;
  });
}
