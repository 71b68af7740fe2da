import { seededRandom } from './random.ts';

/** The chances of a seeded journey, and the log of what came of them. */
export class Dice {
  readonly log: string[] = [];
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  note(what: string): void {
    this.log.push(what);
  }
  chance(probability: number): boolean {
    return this.#random() < probability;
  }
  between(low: number, high: number): number {
    return Math.round(low + this.#random() * (high - low));
  }
  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)]!;
  }
}
