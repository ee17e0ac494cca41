import { webcrypto } from 'node:crypto';

/** Randomness, as a parameter (see `Clock`). Seeded in the simulation, the machine's own elsewhere. */
export interface Random {
  /** A uniformly distributed integer from 0 to 2^32 - 1. */
  uint32(): number;
}

/** The machine's cryptographic randomness; chosen where adapters are chosen. Drawn in blocks, since a call costs a microsecond. */
export function systemRandom(): Random {
  const block = new Uint32Array(256);
  let next = block.length;
  return {
    uint32() {
      if (next === block.length) {
        webcrypto.getRandomValues(block);
        next = 0;
      }
      return block[next++] as number;
    },
  };
}

/** A small, fast, reproducible generator (mulberry32) for simulations and tests; never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    uint32() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (mixed ^ (mixed >>> 14)) >>> 0;
    },
  };
}

/** A uniformly distributed integer from 0 to `bound` - 1. `bound` is at most 2^32; the bias is below 2^-32 * bound. */
export function randomInt(random: Random, bound: number): number {
  return Math.floor((random.uint32() / 0x1_0000_0000) * bound);
}

/** A number in [0, 1). */
export function randomFraction(random: Random): number {
  return random.uint32() / 0x1_0000_0000;
}

/** A version 4 UUID. */
export function randomUuid(random: Random): string {
  const first = random.uint32();
  const second = (random.uint32() & 0xffff_0fff) | 0x4000;
  const third = (random.uint32() & 0x3fff_ffff) | 0x8000_0000;
  const last = random.uint32();
  return `${hex16(first >>> 16)}${hex16(first)}-${hex16(second >>> 16)}-${hex16(second)}-${hex16(third >>> 16)}-${hex16(third)}${hex16(last >>> 16)}${hex16(last)}`;
}

const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The low sixteen bits. Every request has a UUID, so that this is written for speed. */
function hex16(value: number): string {
  return (HEX_BYTES[(value >>> 8) & 0xff] as string) + (HEX_BYTES[value & 0xff] as string);
}

/** No vowels and no digits that look like letters, so that no word appears; Kubernetes' alphabet for generated names. */
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters for a generated name, as `metadata.generateName` appends five of them. */
export function randomNameSuffix(random: Random, length = 5): string {
  let suffix = '';
  for (let index = 0; index < length; index++) suffix += NAME_ALPHABET[randomInt(random, NAME_ALPHABET.length)];
  return suffix;
}
