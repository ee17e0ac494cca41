import type { Clock } from '../../../lib/clock/clock.js';
import type { FieldError } from '../../../lib/api/field-errors.js';
import type { KubernetesObject, UserInfo } from '../../../lib/api/meta.js';
import type { Random } from '../../../lib/random.js';
import type { SchemaSource } from '../../../lib/schema/schema.js';

/**
 * A kind is data plus hooks: its schema says what a schema can say (fields, defaults, required, enums, merge keys),
 * this definition the rest. One file per kind, listed in `resources/index.ts`.
 */
export interface KindDefinition<T extends KubernetesObject = KubernetesObject> {
  readonly group: string;
  /** The version objects are stored in. */
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  /** Default: the kind followed by `List`. */
  readonly listKind?: string;
  /** Set for custom resources, whose objects are read, completed and checked by their own schema. */
  readonly custom?: CustomForm;
  /** Why no object of this kind may be created just now. */
  readonly refusesCreate?: string;
  /** Definition name of the schema: `io.k8s.api.apps.v1.Deployment`. */
  readonly definition: string;
  /** Default: all eight. A kind with `create` alone and an entry in `subresources`-less form is a review: never stored (see `review`). */
  readonly verbs?: readonly Verb[];
  /** Never stored: worked out when it is asked for, by what the registry has for it. Such a kind is only read. */
  readonly computed?: true;
  /** The store's collection. Default `<group or core>/<plural>`. */
  readonly collection?: string;
  /** Other group-versions the same stored objects are served under (events.k8s.io/v1 Event, autoscaling/v1 HorizontalPodAutoscaler). */
  readonly alternates?: readonly AlternateVersion[];
  /** Nothing acts on this kind yet: writes are answered with a Warning that says so. */
  readonly inert?: boolean;

  /** There is a `/status` subresource: ordinary writes keep the stored status, status writes keep all but status (see `prepareForStatusUpdate`). */
  readonly hasStatus?: boolean;
  /** A create may bring its status along, as kubelets do when they register their node. Default false: it starts empty. */
  readonly keepsStatusOnCreate?: boolean;
  /** metadata.generation is 1 at creation and grows when anything but metadata and status changes. */
  readonly hasGeneration?: boolean;
  readonly scale?: ScaleMapping;
  /** Further subresources; their handlers are registered by name in the registry (`binding`, `eviction`, `token`, `approval`, `finalize`, `ephemeralcontainers`, `resize`, …). */
  readonly subresources?: readonly SubresourceDefinition[];
  /** Create never takes the given name as is but may also generate one. Default: names as DNS-1123 subdomains. Returns messages. */
  readonly validateName?: (name: string, prefix: boolean) => string[];
  /** Updates without a resourceVersion are allowed. Default true (PUT without one overwrites). */
  readonly allowUnconditionalUpdate?: boolean;
  /** PUT to a name that does not exist creates it (leases, events, endpoints, ... in Kubernetes). Default false. */
  readonly allowCreateOnUpdate?: boolean;
  /** Default grace period of a delete in seconds; absent: deleted at once. Only pods have one. */
  readonly graceful?: GracefulDeletion<T>;
  /** What a delete without a policy does with dependents. Default background; `orphan` for kinds as old as Jobs were in v1. */
  readonly defaultPropagation?: 'Background' | 'Orphan';
  /** While true, something besides metadata.finalizers keeps a deleted object: `spec.finalizers` of a namespace. */
  holdsDeletion?(object: T): boolean;
  /** A delete that removes the object answers with its last state instead of a Status (pods, services, claims, … in Kubernetes). */
  readonly returnsDeletedObject?: boolean;

  /** Loads what the checks below need and few clusters do. Awaited before any of them runs. */
  load?(): Promise<void>;
  /** Defaults that the schema cannot express. Runs on every decoded object of this kind, after the schema's own. */
  defaults?(object: T): void;
  /** Drops or sets fields the client does not own. Runs after generic metadata is filled, before admission... status is reset already. */
  prepareForCreate?(object: T, context: HookContext): void;
  /** Spec write. Status is already the old one. */
  prepareForUpdate?(object: T, old: T, context: HookContext): void;
  /** Status write. Default: everything but `status` and metadata is the old object's; metadata is the new one's with labels, ownerReferences and deletion fields of the old. */
  prepareForStatusUpdate?(object: T, old: T, context: HookContext): void;
  /** Cross-field and format rules, for creates and updates alike. Metadata and the schema are validated already. */
  validate?(object: T, context: HookContext): FieldError[];
  /** What is refused in a create alone; `validate` runs as well. */
  validateCreate?(object: T, context: HookContext): FieldError[];
  /** Immutability and transitions; `validate` runs as well. */
  validateUpdate?(object: T, old: T, context: HookContext): FieldError[];
  validateStatusUpdate?(object: T, old: T, context: HookContext): FieldError[];
  /** Texts for Warning headers. */
  warnings?(object: T, old: T | undefined, context: HookContext): string[];
  /** Last state on delete before it is written or the object marked (rarely needed). */
  prepareForDelete?(object: T, context: HookContext): void;

  /** Table columns behind Name; the Age column is given explicitly where Kubernetes has one. */
  readonly columns?: readonly Column<T>[];
  /** Field selectors beyond metadata.name and metadata.namespace: `spec.nodeName`. The value compares as a string. */
  readonly fieldLabels?: Readonly<Record<string, (object: T) => string>>;
}

/** What a custom resource's schema does with its objects. */
export interface CustomForm {
  /** The object with known members only, and the paths of the others. Throws `DecodeError` for metadata of wrong types. */
  decode(object: KubernetesObject, source: SchemaSource): { object: Record<string, unknown>; unknownPaths: string[] };
  /** Drops what the schema does not have and fills in its defaults; the same object when there was nothing to do. */
  complete<T extends object>(object: T, source: SchemaSource): T;
  /** All that is wrong with an object, and what is only told. */
  validate(
    object: KubernetesObject,
    old: KubernetesObject | undefined,
    context: { source: SchemaSource; clock: Clock; subresource: string },
  ): { errors: FieldError[]; warnings: string[] };
}

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

export const ALL_VERBS: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

export interface HookContext {
  readonly user: UserInfo;
  readonly clock: Clock;
  readonly random: Random;
  /** The group and version that the request names, where that matters. */
  readonly served?: { readonly group: string; readonly version: string };
  /** The subresource written, or '' for the object itself. */
  readonly subresource: string;
  readonly dryRun: boolean;
}

export interface AlternateVersion {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly definition: string;
  /** From an object of this version (its own defaults applied) to the stored one. May change its argument. */
  toStorage(object: KubernetesObject): KubernetesObject;
  /** The inverse. Must not change its argument. */
  fromStorage(object: KubernetesObject): KubernetesObject;
}

export interface SubresourceDefinition {
  readonly name: string;
  readonly verbs: readonly Verb[];
  /** The kind read and written there; absent: the parent's own. */
  readonly bodyKind?: { group: string; version: string; kind: string; definition: string };
}

/** autoscaling/v1 Scale over the object. */
export interface ScaleMapping {
  /** Dotted paths: `spec.replicas`, `status.replicas`. */
  readonly specReplicas: string;
  readonly statusReplicas: string;
  /** Path of the selector: a LabelSelector or (ReplicationController) a plain map. */
  readonly selector: string;
}

export interface GracefulDeletion<T> {
  /** Seconds to grant for this delete; 0 deletes at once. `asked`: deleteOptions.gracePeriodSeconds. */
  gracePeriodSeconds(object: T, asked: number | undefined): number;
}

export interface Column<T = KubernetesObject> {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  /** `name` for the first column; else ''. */
  readonly format?: string;
  readonly description: string;
  /** 0 shows always; 1 with -o wide. */
  readonly priority?: 0 | 1;
  /** The cell as Kubernetes prints it: ages are `5d`, not timestamps. */
  cell(object: T, nowMs: number): string | number | boolean | null;
}

export function defineKind<T extends KubernetesObject>(definition: KindDefinition<T>): KindDefinition {
  return definition as unknown as KindDefinition;
}

export function collectionOf(kind: Pick<KindDefinition, 'group' | 'plural' | 'collection'>): string {
  return kind.collection ?? `${kind.group === '' ? 'core' : kind.group}/${kind.plural}`;
}
