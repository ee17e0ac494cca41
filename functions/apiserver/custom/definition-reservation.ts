import type { KubernetesObject } from '../../../lib/api/meta.js';
import { formatTime, type Clock } from '../../../lib/clock/clock.js';
import type { V1CustomResourceDefinition } from '../../../lib/schema/generated/types.js';
import type { PolicyReader, Reserved, WriteReservation } from '../admission/plugin.js';
import { equalJson } from '../registry/json-values.js';
import { APPROVAL_ANNOTATION, establish } from './definition-conditions.js';

const DEFINITIONS = { group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' };
const NOTHING: Reserved = { commit: async () => undefined, abort: async () => undefined };

/**
 * Establishes a definition in the very write that makes or changes it: names are accepted next to those of all other definitions, and
 * conditions are set. Writes of definitions follow one another within a process, so that two cannot get one name.
 */
export class DefinitionReservation implements WriteReservation {
  readonly #policies: PolicyReader;
  readonly #clock: Clock;
  #last: Promise<void> = Promise.resolve();

  constructor(policies: PolicyReader, clock: Clock) {
    this.#policies = policies;
    this.#clock = clock;
  }

  async begin(object: KubernetesObject | undefined, old: KubernetesObject | undefined): Promise<Reserved> {
    if (object === undefined || (old !== undefined && !asksAnew(object, old))) return NOTHING;
    const before = this.#last;
    let release: () => void = () => undefined;
    this.#last = new Promise((resolve) => (release = resolve));
    await before;
    try {
      const others = await this.#policies.list<V1CustomResourceDefinition>(DEFINITIONS);
      establish(object as V1CustomResourceDefinition, others, formatTime(this.#clock.now()));
    } catch (error) {
      release();
      throw error;
    }
    const done = async (): Promise<void> => release();
    return { commit: done, abort: done };
  }
}

/** Writes that concern neither names nor approval leave the conditions alone. */
function asksAnew(object: V1CustomResourceDefinition, old: V1CustomResourceDefinition): boolean {
  return (
    !equalJson(object.spec?.names, old.spec?.names) ||
    object.metadata?.annotations?.[APPROVAL_ANNOTATION] !== old.metadata?.annotations?.[APPROVAL_ANNOTATION]
  );
}
