import type { KubernetesObject, UserInfo } from '../../../lib/api/meta.js';
import type { Clock } from '../../../lib/clock/clock.js';
import type { Random } from '../../../lib/random.js';
import type { KindDefinition } from '../resources/kind.js';

/** One write on its way to the store. Plugins of the mutating phase may change `object`. */
export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly kind: KindDefinition;
  /** '' for the object itself. */
  readonly subresource: string;
  /** '' for cluster-scoped kinds. */
  readonly namespace: string;
  /** May be '' on a create with generateName (never once the object has been named). */
  readonly name: string;
  /** The new object, decoded, defaulted and in its storage version; absent on DELETE. */
  readonly object: KubernetesObject | undefined;
  readonly oldObject: KubernetesObject | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  /** Adds a Warning header to the answer. */
  warn(text: string): void;
}

export interface AdmissionContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly objects: ObjectReader;
}

/** Reads of other objects for admission and authorisation: linearizable, parsed, shared; callers must not change what they get. */
export interface ObjectReader {
  get<T extends KubernetesObject>(
    kind: { group: string; plural: string },
    namespace: string,
    name: string,
  ): Promise<T | undefined>;
  list<T extends KubernetesObject>(kind: { group: string; plural: string }, namespace?: string): Promise<T[]>;
  /** The same for small collections that every write asks about: kept parsed until the collection changes. */
  policy<T extends KubernetesObject>(
    kind: { group: string; plural: string },
    namespace?: string,
  ): Promise<readonly T[]>;
}

/** A static admission plugin, named as in Kubernetes. Refuses by throwing an ApiError. */
export interface AdmissionPlugin {
  readonly name: string;
  /** First phase, in the order of the list. */
  mutate?(attributes: AdmissionAttributes, context: AdmissionContext): Promise<void>;
  /** Second phase, after all mutations and the kind's own validation of the request's form. */
  validate?(attributes: AdmissionAttributes, context: AdmissionContext): Promise<void>;
}

/**
 * What a create, update or delete must reserve outside its own collection (cluster IPs, node ports). Called around the
 * store write: `begin` after validation, then exactly one of `commit` (the write is acknowledged) or `abort` (it is not).
 * A crash between the two leaves a reservation that the repair controller finds.
 */
export interface WriteReservation {
  /** Reserves and may fill fields of `object` (`spec.clusterIP`). With `dryRun` it fills in a free value without reserving it. `old` undefined: create; `object` undefined: delete. */
  begin(object: KubernetesObject | undefined, old: KubernetesObject | undefined, dryRun: boolean): Promise<Reserved>;
}

export interface Reserved {
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** One write for which quotas may have to be charged. `object` undefined: a delete; `old` undefined: a create. */
export interface ChargedWrite {
  readonly kind: Pick<KindDefinition, 'group' | 'plural'>;
  readonly namespace: string;
  readonly subresource: string;
  readonly object: KubernetesObject | undefined;
  readonly old: KubernetesObject | undefined;
  readonly dryRun: boolean;
}

/**
 * The last step of the admission chain, behind the last validating plugin: what limits how much may be stored at all. `begin` refuses by
 * throwing an ApiError, or charges; then exactly one of `commit` (the write is acknowledged) or `abort` (it is not) follows, or neither
 * when the store cannot tell.
 */
export interface WriteCharges {
  begin(write: ChargedWrite): Promise<Reserved>;
}
