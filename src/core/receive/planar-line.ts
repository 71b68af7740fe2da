import { planar } from '../dsp/planar.ts';

/**
 * Planar frames that wait to be read, with those read last kept behind them: straight memory, so that kernels can look back
 * and ahead, and move what waits. Indices count from the memory's start and change when {@link makeRoom} moves everything.
 * Allocates in its constructor only.
 */
export class PlanarLine {
  /** The samples, one array per channel. */
  readonly channels: readonly Float32Array[];
  /** Frames kept behind `read`, as far as there were any: before the first, silence. */
  readonly historyFrames: number;
  /** Index of the next frame to read. */
  read: number;
  /** Index after the last frame. */
  end: number;

  /** @param aheadFrames room for frames that wait */
  constructor(channels: number, historyFrames: number, aheadFrames: number) {
    const frames = 2 * historyFrames + 2 * aheadFrames;
    this.channels = planar(channels, frames);
    this.historyFrames = historyFrames;
    this.read = historyFrames;
    this.end = historyFrames;
  }

  /** Frames that wait. */
  get available(): number {
    return this.end - this.read;
  }

  /**
   * Makes sure that `frames` frames fit behind `end`, unless too many wait; moves everything towards the start when needed.
   * @returns by how much indices have become smaller
   */
  makeRoom(frames: number): number {
    if (this.end + frames <= this.channels[0]!.length) return 0;
    const moved = this.read - this.historyFrames;
    if (moved <= 0) return 0;
    for (let c = 0; c < this.channels.length; c++) this.channels[c]!.copyWithin(0, moved, this.end);
    this.read -= moved;
    this.end -= moved;
    return moved;
  }

  /** Frames that fit behind `end`. */
  get room(): number {
    return this.channels[0]!.length - this.end;
  }

  /** Forgets everything. */
  reset(): void {
    for (let c = 0; c < this.channels.length; c++) this.channels[c]!.fill(0);
    this.read = this.historyFrames;
    this.end = this.historyFrames;
  }
}
