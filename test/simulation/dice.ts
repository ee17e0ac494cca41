import { randomFraction, randomInt, seededRandom, type Random } from '../../lib/random.js';

/** Draws of one part of a seed. Each part has its own, so that one that draws more does not change what the others do. */
export class Dice {
  readonly random: Random;

  constructor(seed: number, part: number) {
    this.random = seededRandom(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(part + 1, 0x85ebca6b));
  }

  chance(probability: number): boolean {
    return probability > 0 && randomFraction(this.random) < probability;
  }

  /** An integer from `min` to `max`, both included. */
  between(min: number, max: number): number {
    return min + randomInt(this.random, max - min + 1);
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new Error('nothing to pick from');
    return items[randomInt(this.random, items.length)] as T;
  }
}
