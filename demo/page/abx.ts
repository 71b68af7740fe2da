import type { Trim } from '../audio/mixer.ts';
import type { LaneId } from '../lanes/lane-ids.ts';
import type { LaneFigures } from '../measure/metrics.ts';

/** Which of the three is heard. */
export type AbxButton = 'A' | 'B' | 'X';

/** What a lane's trim is computed from. */
export type TrimFigures = Pick<LaneFigures, 'latency_p50_ms' | 'level_db'>;

/** Delays a lane to match the later one of its pair, and attenuates it to match the quieter one; null while that is not known. */
export function trimOf(own: TrimFigures, other: TrimFigures): Trim | null {
  const { latency_p50_ms: mine, level_db: level } = own;
  const { latency_p50_ms: theirs, level_db: otherLevel } = other;
  if (mine === null || theirs === null || level === null || otherLevel === null) return null;
  return {
    delaySeconds: Math.max(0, theirs - mine) / 1000,
    gain: 10 ** (Math.min(0, otherLevel - level) / 20),
  };
}

/** A blind comparison of two lanes: X is one of the two, at random, and the visitor guesses which, again and again. */
export class AbxTest {
  readonly a: LaneId;
  readonly b: LaneId;
  right = 0;
  guesses = 0;
  readonly #random: () => number;
  #x: LaneId;

  /** @param random from 0 to 1, as `Math.random` */
  constructor(a: LaneId, b: LaneId, random: () => number = Math.random) {
    this.a = a;
    this.b = b;
    this.#random = random;
    this.#x = this.#draw();
  }

  /** What is heard at a button. */
  laneOf(button: AbxButton): LaneId {
    return button === 'A' ? this.a : button === 'B' ? this.b : this.#x;
  }

  /** Takes a guess of what X is, and draws a new X. @returns whether it was right */
  guess(what: 'A' | 'B'): boolean {
    const right = this.laneOf(what) === this.#x;
    this.guesses++;
    if (right) this.right++;
    this.#x = this.#draw();
    return right;
  }

  /** The probability of at least as many right guesses by chance alone (binomial, one-sided). */
  get chance(): number {
    const { right, guesses } = this;
    let sum = 0;
    let ways = 1;
    for (let hits = 0; hits <= guesses; hits++) {
      if (hits >= right) sum += ways;
      ways = (ways * (guesses - hits)) / (hits + 1);
    }
    return sum / 2 ** guesses;
  }

  #draw(): LaneId {
    return this.#random() < 0.5 ? this.a : this.b;
  }
}
