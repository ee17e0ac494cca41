import { tooManyRequests } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { formatTime, type Clock } from '../../../lib/clock/clock.js';
import type { V1CustomResourceDefinitionNames } from '../../../lib/schema/generated/types.js';
import { isStoreError } from '../../../lib/store/errors.js';
import type { Store, StoredObject } from '../../../lib/store/store.js';
import { encodeObject } from '../registry/encode.js';
import { parseStored } from '../registry/objects.js';
import { CLAIM_AGE_MAX_MS, CLAIM_ATTEMPTS_MAX } from './limits.js';

/** Not served: by group, the names that writes of definitions in flight are about to take. */
const COLLECTION = 'zeroplane/definitionnames';
const BUSY = 'the names of many definitions of this group are being decided at once, please try again later';

interface Claim {
  names: V1CustomResourceDefinitionNames;
  /** A claim that its writer has not taken back long after is of a writer that has died. */
  time: string;
}

type Claims = KubernetesObject & { claims: Record<string, Claim> };

/**
 * Puts all who decide on names of a group's definitions, in whichever process, into one order. Who claims before another is seen by it: as a
 * claim, or, when it has been taken back, as the definition that was written before. So definitions must be read after `claim`.
 */
export class NameClaims {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Claims names for a definition, and answers what others have claimed before. Throws 429 when too many do, and `StoreError`s. */
  claim(group: string, definition: string, names: V1CustomResourceDefinitionNames): Promise<Others> {
    return this.#change(group, definition, { names, time: formatTime(this.#clock.now()) });
  }

  /** What others have claimed, without a claim. */
  async look(group: string, definition: string): Promise<Others> {
    return this.#othersOf(claimsOf(group, await this.#store.get(COLLECTION, group)), definition);
  }

  /** Takes a claim back: its definition has been written, or will not be. */
  async release(group: string, definition: string): Promise<void> {
    await this.#change(group, definition, undefined);
  }

  async #change(group: string, definition: string, claim: Claim | undefined): Promise<Others> {
    for (let attempt = 1; attempt <= CLAIM_ATTEMPTS_MAX; attempt++) {
      const stored = await this.#store.get(COLLECTION, group);
      const before = claimsOf(group, stored);
      const others = this.#othersOf(before, definition);
      if (claim === undefined && before.claims[definition] === undefined) return others;
      const claims = { ...others, ...(claim === undefined ? {} : { [definition]: claim }) };
      const { body } = encodeObject({ ...before, claims } as KubernetesObject);
      try {
        await this.#store.write(COLLECTION, [{ key: group, expect: stored?.revision ?? 'absent', body }]);
        return others;
      } catch (error) {
        if (!isStoreError(error, 'conflict')) throw error;
      }
    }
    throw tooManyRequests(BUSY, 1);
  }

  #othersOf({ claims }: Claims, definition: string): Others {
    const oldest = formatTime(this.#clock.now() - CLAIM_AGE_MAX_MS);
    return Object.fromEntries(
      Object.entries(claims).filter(([name, { time }]) => name !== definition && time >= oldest),
    );
  }
}

/** By names of definitions. */
export type Others = Readonly<Record<string, Claim>>;

function claimsOf(group: string, stored: StoredObject | undefined): Claims {
  if (stored !== undefined) return parseStored(stored.body) as Claims;
  return { kind: 'NameClaims', apiVersion: 'v1', metadata: { name: group }, claims: {} };
}
