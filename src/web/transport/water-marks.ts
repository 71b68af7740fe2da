import type { OptionNames } from '../../core/option-names.ts';
import { integerIn } from '../../core/arguments.ts';

/** How much a transport may buffer before it drops. */
export interface WaterMarkOptions {
  /**
   * With more bytes than this buffered, messages are dropped. It bounds the latency that a slow network can add, and the
   * burst that a page may send after it was busy: at 51 kB/s (20 ms of 16 kHz s16 as Base64 JSON) the default holds 2.6 s.
   * @default 131072
   */
  readonly highWaterBytes?: number;
  /**
   * Dropping ends when the buffer has drained to this many bytes.
   * @default a quarter of highWaterBytes
   */
  readonly lowWaterBytes?: number;
}
export const WATER_MARK_NAMES: OptionNames<WaterMarkOptions> = {
  highWaterBytes: 1,
  lowWaterBytes: 1,
};

const DEFAULT_HIGH_WATER_BYTES = 2 ** 17;
const MAX_WATER_BYTES = 2 ** 30;

/**
 * Tells when to drop, with two marks: a single one would let every other message through and cut the sound to shreds.
 */
export class WaterMarks {
  readonly highWaterBytes: number;
  readonly lowWaterBytes: number;
  /** Between the marks it keeps what it was. */
  private isCongested = false;

  constructor(options: WaterMarkOptions) {
    const high = options.highWaterBytes ?? DEFAULT_HIGH_WATER_BYTES;
    this.highWaterBytes = integerIn('highWaterBytes', high, 1, MAX_WATER_BYTES);
    const low = options.lowWaterBytes ?? Math.floor(this.highWaterBytes / 4);
    this.lowWaterBytes = integerIn('lowWaterBytes', low, 0, this.highWaterBytes);
  }

  /** Takes the bytes that are buffered now; says whether to drop. */
  congested(bufferedBytes: number): boolean {
    if (bufferedBytes > this.highWaterBytes) this.isCongested = true;
    else if (bufferedBytes <= this.lowWaterBytes) this.isCongested = false;
    return this.isCongested;
  }
}
