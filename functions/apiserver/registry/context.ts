import type { KubernetesObject, UserInfo } from '../../../lib/api/meta.js';
import type { Clock } from '../../../lib/clock/clock.js';
import type { Random } from '../../../lib/random.js';
import type { MessageSource } from '../../../lib/schema/protobuf/message-source.js';
import type { SchemaSource } from '../../../lib/schema/schema.js';
import type { Store } from '../../../lib/store/store.js';
import type { AdmissionPlugin, PolicyReader, WriteCharges, WriteReservation } from '../admission/plugin.js';
import type { Aggregation } from '../aggregation/aggregation.js';
import type { Authorizer } from '../auth/auth.js';
import type { CustomForm, HookContext } from '../resources/kind.js';
import type { Catalog, Resource } from './catalog.js';
import type { ComputedObjects } from './computed.js';
import type { NodeConnection } from './node-connection.js';
import type { StoredObjects } from './objects.js';
import type { ResourcePath } from './path.js';
import type { ApiRequest } from './request.js';
import type { SubresourceHandler } from './subresource.js';
import type { WatchHubs } from './watch-hub.js';

/** Where the server writes what operators read: a fixed message and data in keys. */
export interface Log {
  info(data: Record<string, unknown>, message: string): void;
  warn(data: Record<string, unknown>, message: string): void;
  error(data: Record<string, unknown>, message: string): void;
}

export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Schemas of built-in kinds and of custom ones. */
export interface RegistrySchemas extends SchemaSource, MessageSource {
  /** What reads and checks objects of a custom resource, by the name of its definition. */
  custom?(name: string): CustomForm | undefined;
}

/** What every operation of the registry works with. */
export interface Registry {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly catalog: Catalog;
  readonly schemas: RegistrySchemas;
  /** Brings the catalog to the custom resources that are defined now: at most a second old, and at once after writes through this server. */
  refreshCustom(): Promise<void>;
  /** Sees to it that changes of definitions by others are noticed too, until what it answers is called. */
  followDefinitions(): Promise<() => void>;
  /** A custom resource's object in another of its versions; a webhook may be asked. */
  convertCustom(object: KubernetesObject, to: Resource): Promise<KubernetesObject>;
  readonly objects: StoredObjects;
  readonly policies: PolicyReader;
  readonly hubs: WatchHubs;
  /** How many watches are open. */
  readonly watches: { open: number };
  /** A watch ends after so long at the latest, whatever its client asks. */
  readonly watchSecondsMax: number;
  readonly authorizer: Authorizer;
  readonly admission: readonly AdmissionPlugin[];
  /** What limits how much may be stored; none: nothing does. */
  readonly charges: WriteCharges | undefined;
  /** By collection. */
  readonly reservations: Readonly<Record<string, WriteReservation>>;
  /** By `<plural>/<subresource>` or `<subresource>`; the more exact wins. */
  readonly subresources: Readonly<Record<string, SubresourceHandler>>;
  /** Kinds that are never stored, by kind. */
  readonly reviews: Readonly<Record<string, SubresourceHandler>>;
  /** Kinds that are worked out when they are asked for, by `<group>/<plural>`. */
  readonly computed: Readonly<Record<string, ComputedObjects>>;
  readonly nodeConnection: NodeConnection | undefined;
  /** API servers of others behind this one. */
  readonly aggregation: Aggregation | undefined;
  readonly log: Log;
}

/** One authorised request for a resource. */
export interface Call {
  readonly request: ApiRequest;
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly user: UserInfo;
  readonly resource: Resource;
  /** Texts for Warning headers, in the order they came up. */
  readonly warnings: Set<string>;
  /** Audit annotations, which go to the server's log. */
  readonly annotations: Map<string, string>;
}

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  /** Who writes, as the client names itself; '' where it does not. */
  readonly fieldManager: string;
  /** Of an apply: takes over what others own. */
  readonly force: boolean;
}

export function hookContext(
  registry: Registry,
  call: Call,
  options: { dryRun: boolean; subresource?: string },
): HookContext {
  return {
    user: call.user,
    clock: registry.clock,
    random: registry.random,
    served: call.resource,
    subresource: options.subresource ?? call.path.subresource,
    dryRun: options.dryRun,
  };
}
