import type { KubernetesObject } from '../../../lib/api/meta.js';
import { formatTime, type Clock } from '../../../lib/clock/clock.js';
import type { V1CustomResourceDefinition } from '../../../lib/schema/generated/types.js';
import type { Store } from '../../../lib/store/store.js';
import type { Reserved, WriteReservation } from '../admission/plugin.js';
import { equalJson } from '../registry/json-values.js';
import { APPROVAL_ANNOTATION, establish, hasCondition } from './definition-conditions.js';
import { NameClaims, type Others } from './name-claims.js';

const NOTHING: Reserved = { commit: async () => undefined, abort: async () => undefined };

/**
 * Establishes a definition in the very write that makes or changes it, also in one of its status: names are accepted next to those of all
 * other definitions, and conditions are set. Those who decide on names of one group, in whichever process, follow one another by their
 * claims, so that two definitions cannot get one name; within a process they wait, so that they need not try again.
 */
export class DefinitionReservation implements WriteReservation {
  readonly #definitions: () => Promise<readonly V1CustomResourceDefinition[]>;
  readonly #claims: NameClaims;
  readonly #clock: Clock;
  #last: Promise<void> = Promise.resolve();

  /** `definitions` reads all there are, those just written elsewhere included. */
  constructor(parts: {
    definitions: () => Promise<readonly V1CustomResourceDefinition[]>;
    store: Store;
    clock: Clock;
  }) {
    this.#definitions = parts.definitions;
    this.#claims = new NameClaims(parts.store, parts.clock);
    this.#clock = parts.clock;
  }

  async begin(
    object: KubernetesObject | undefined,
    old: KubernetesObject | undefined,
    dryRun: boolean,
  ): Promise<Reserved> {
    if (object === undefined || (old !== undefined && !asksAnew(object, old))) return NOTHING;
    const before = this.#last;
    let release: () => void = () => undefined;
    this.#last = new Promise((resolve) => (release = resolve));
    await before;
    try {
      const takeBack = await this.#decide(object, old, dryRun);
      return { commit: takeBack, abort: takeBack };
    } finally {
      release();
    }
  }

  async #decide(
    crd: V1CustomResourceDefinition,
    old: V1CustomResourceDefinition | undefined,
    dryRun: boolean,
  ): Promise<() => Promise<void>> {
    const now = formatTime(this.#clock.now());
    const group = crd.spec?.group ?? '';
    const name = crd.metadata?.name ?? '';
    const names = crd.spec?.names ?? { plural: '', kind: '' };
    // What is accepted is decided here alone, whatever a write of the status says.
    const accepted = old?.status?.acceptedNames;
    crd.status = { ...crd.status, acceptedNames: accepted ?? { plural: '', kind: '' } };
    if (equalJson(names, accepted)) {
      establish(crd, [], now);
      return async () => undefined;
    }
    const others = dryRun ? await this.#claims.look(group, name) : await this.#claims.claim(group, name, names);
    const takeBack = dryRun ? async (): Promise<void> => undefined : () => this.#takeBack(group, name);
    try {
      establish(crd, [...(await this.#definitions()), ...claimants(group, others)], now);
    } catch (error) {
      await takeBack();
      throw error;
    }
    return takeBack;
  }

  /** A claim that cannot be taken back lapses. */
  async #takeBack(group: string, name: string): Promise<void> {
    try {
      await this.#claims.release(group, name);
    } catch {
      return;
    }
  }
}

/** Claims of others, as definitions that have the names already. */
function claimants(group: string, others: Others): V1CustomResourceDefinition[] {
  return Object.entries(others).map(([name, { names }]) => ({
    metadata: { name },
    spec: { group, names, scope: 'Cluster', versions: [] },
    status: { acceptedNames: names },
  }));
}

/** Writes that concern neither names nor approval, nor what has been decided of them, leave the conditions alone. */
function asksAnew(object: V1CustomResourceDefinition, old: V1CustomResourceDefinition): boolean {
  return (
    !equalJson(object.spec?.names, old.spec?.names) ||
    !equalJson(object.status?.acceptedNames, old.status?.acceptedNames) ||
    object.metadata?.annotations?.[APPROVAL_ANNOTATION] !== old.metadata?.annotations?.[APPROVAL_ANNOTATION] ||
    DECIDED.some((type) => hasCondition(object, type) && !hasCondition(old, type))
  );
}

const DECIDED = ['NamesAccepted', 'Established'];
