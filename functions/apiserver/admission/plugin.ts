import type { GroupVersionKind, KubernetesObject, UserInfo } from '../../../lib/api/meta.js';
import type { Clock } from '../../../lib/clock/clock.js';
import type { Random } from '../../../lib/random.js';
import type { Authorizer } from '../auth/auth.js';
import type { Resource } from '../registry/catalog.js';
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
  /** The request as those outside this server see it: webhooks and policies. */
  readonly request: RequestView;
  readonly reinvocation: Reinvocation;
  /** Adds a Warning header to the answer. */
  warn(text: string): void;
  /** Tells operators something of the request: an audit annotation of Kubernetes. Of several under one key the first counts. */
  annotate(key: string, value: string): void;
}

export type AdmissionPhase = 'mutate' | 'validate';

/** A write in the versions that clients know, where plugins of our own work on what is stored. */
export interface RequestView {
  /** CreateOptions, UpdateOptions or DeleteOptions; a connection has none. */
  readonly options: KubernetesObject | undefined;
  /** '' while a name that the server makes up may still change. */
  name(phase: AdmissionPhase): string;
  /** The resource and version that the path names. */
  readonly form: ObjectForm;
  /** The same objects under the other groups and versions they are served in. */
  equivalents(): readonly ObjectForm[];
  /** When the client has gone. */
  readonly signal: AbortSignal;
  /** All of admission must be over by then, in milliseconds of the clock. */
  readonly deadlineMs: number;
}

/** One served version of the object that is written. */
export interface ObjectForm {
  readonly group: string;
  readonly version: string;
  /** Plural. */
  readonly resource: string;
  /** Of the object, which for a subresource may be another than the resource's own. */
  readonly kind: GroupVersionKind;
  /** The new object: a copy, or undefined on DELETE. While it may be changed, a create shows what its client sent: no uid, no generated name. */
  object(phase: AdmissionPhase): Promise<KubernetesObject | undefined>;
  /** The present object. Must not be changed. */
  oldObject(): Promise<KubernetesObject | undefined>;
  /**
   * Puts a changed object in the place of `attributes.object`: decoded and defaulted again, in its storage version, with the metadata
   * that nobody outside may set as it was. Throws an ApiError for what is no object of this kind.
   */
  accept(given: KubernetesObject): Promise<void>;
  /** An object of this form with a part of one merged into it, as server-side apply merges. Throws a `MergeError` for what it cannot say. */
  merge(object: KubernetesObject, part: object): KubernetesObject;
}

/** A part of an object that cannot be merged, since it would replace something that has one owner as a whole. */
export class MergeError extends Error {
  readonly code = 'merge';

  constructor(message: string) {
    super(message);
    this.name = 'MergeError';
  }
}

/** All plugins of the mutating phase run a second time when one that runs late has changed what earlier ones had looked at. */
export interface Reinvocation {
  /** This is the second time. */
  readonly isAgain: boolean;
  /** Asks for a second time; there is no third. */
  request(): void;
  /** What a plugin keeps between the two, by its name. */
  readonly memory: Map<string, unknown>;
}

export interface AdmissionContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly objects: ObjectReader;
  readonly policies: PolicyReader;
  readonly authorizer: Authorizer;
  readonly catalog: ServedKinds;
}

/** What is served, for those who name other objects by their kind. */
export interface ServedKinds {
  all(): readonly Resource[];
  /** A stored object as a version serves it. */
  show(resource: Resource, stored: KubernetesObject): KubernetesObject;
}

/**
 * Reads of what every request depends on (the kinds of POLICY_COLLECTIONS): at most a second old, and current as to writes through this
 * server. Objects are shared: they must not be changed.
 */
export interface PolicyReader {
  /** All objects of a kind, or of a namespace, by name. The same array as long as nothing has changed; it must not be changed. */
  list<T extends KubernetesObject>(kind: { group: string; plural: string }, namespace?: string): Promise<readonly T[]>;
  /** One object, for kinds of which there may be many. One that is not known yet is looked for in the store. */
  get<T extends KubernetesObject>(
    kind: { group: string; plural: string },
    namespace: string,
    name: string,
  ): Promise<T | undefined>;
}

/** Reads of other objects for admission and authorisation: linearizable, parsed, shared; callers must not change what they get. */
export interface ObjectReader {
  get<T extends KubernetesObject>(
    kind: { group: string; plural: string },
    namespace: string,
    name: string,
  ): Promise<T | undefined>;
  list<T extends KubernetesObject>(kind: { group: string; plural: string }, namespace?: string): Promise<T[]>;
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
  begin(write: ChargedWrite, policies: PolicyReader): Promise<Reserved>;
}
