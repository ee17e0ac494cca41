import { createHash } from 'node:crypto';
import { alreadyExists, ApiError, conflict, methodNotAllowed, notFoundError } from '../../../../lib/api/errors.js';
import type { KubernetesObject, UnstructuredObject } from '../../../../lib/api/meta.js';
import type { Transport, TransportRequest, TransportResponse } from '../../../../lib/client/transport.js';
import { formatTime, type Clock } from '../../../../lib/clock/clock.js';

/** The user agent of controllers: faults are injected into their writes only. */
export const CONTROLLER_AGENT = 'controller';

interface Target {
  collection: string;
  group: string;
  plural: string;
  namespace?: string;
  name?: string;
  subresource?: string;
}

export interface FakeChange {
  collection: string;
  type: 'created' | 'updated' | 'deleted';
  object: KubernetesObject;
  previous?: KubernetesObject;
}

type Stored = UnstructuredObject & { metadata: NonNullable<KubernetesObject['metadata']> };

/**
 * The part of the API that controllers use, in memory: optimistic locks, generations, generated names, finalizers, graceful
 * deletion of pods, status kept apart, merge patches, and strategic ones of owner references and finalizers. It knows no schemas:
 * no defaults, no validation, no selectors in lists.
 */
export class FakeApi implements Transport {
  /** Called before a write of a controller is applied; what it throws is the answer. */
  beforeWrite: (request: TransportRequest) => void = () => undefined;
  /** Called after a write of a controller was applied; what it throws is the answer, as when a caller crashes there. */
  afterWrite: (request: TransportRequest) => void = () => undefined;
  onChange: (change: FakeChange) => void = () => undefined;
  readonly #clock: Clock;
  readonly #collections = new Map<string, Map<string, Stored>>();
  #revision = 0;
  #sequence = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  objects(collection: string): KubernetesObject[] {
    return [...(this.#collections.get(collection)?.values() ?? [])];
  }

  send(request: TransportRequest): Promise<TransportResponse> {
    try {
      return Promise.resolve(respond(200, this.#handle(request)));
    } catch (error) {
      if (!(error instanceof ApiError)) return Promise.reject(error);
      return Promise.resolve(respond(error.code, error.status));
    }
  }

  #handle(request: TransportRequest): unknown {
    const target = parsePath(request.path);
    if (request.method === 'GET') return this.#read(target);
    const byController = request.headers['user-agent'] === CONTROLLER_AGENT;
    if (byController) this.beforeWrite(request);
    const body = request.body === undefined ? {} : (JSON.parse(String(request.body)) as UnstructuredObject);
    const answer = this.#write(request, target, body);
    if (byController) this.afterWrite(request);
    return answer;
  }

  #write(request: TransportRequest, target: Target, body: UnstructuredObject): unknown {
    switch (request.method) {
      case 'POST':
        return this.#create(target, body);
      case 'PUT':
        return this.#replace(target, body);
      case 'PATCH':
        return this.#replace(target, applyPatch(this.#get(target), body));
      case 'DELETE':
        return this.#delete(target, body);
      default:
        throw methodNotAllowed({ group: target.group, resource: target.plural }, request.method);
    }
  }

  #read(target: Target): unknown {
    if (target.name !== undefined) return this.#get(target);
    const items = this.objects(target.collection).filter(
      ({ metadata }) => target.namespace === undefined || metadata?.namespace === target.namespace,
    );
    return { items, metadata: { resourceVersion: String(this.#revision) } };
  }

  #get(target: Target): Stored {
    const found = this.#collections.get(target.collection)?.get(storeKey(target));
    if (found === undefined) throw notFoundError({ group: target.group, resource: target.plural }, target.name ?? '');
    return found;
  }

  #create(target: Target, body: UnstructuredObject): Stored {
    const sequence = String(++this.#sequence);
    const metadata = { ...body.metadata };
    const digest = createHash('sha256').update(sequence).digest('hex');
    metadata.name ??= `${metadata.generateName ?? ''}${digest.slice(0, 5)}`;
    const key = storeKey({ namespace: target.namespace, name: metadata.name });
    if (this.#collections.get(target.collection)?.has(key)) {
      throw alreadyExists({ group: target.group, resource: target.plural }, metadata.name);
    }
    const created: Stored = {
      ...body,
      metadata: {
        ...metadata,
        ...(target.namespace === undefined ? {} : { namespace: target.namespace }),
        uid: `${digest.slice(0, 8)}-${sequence}`,
        generation: 1,
        creationTimestamp: formatTime(this.#clock.now()),
      },
    };
    if (target.plural === 'pods' && created['status'] === undefined) created['status'] = { phase: 'Pending' };
    return this.#put(target.collection, 'created', key, created);
  }

  #replace(target: Target, body: UnstructuredObject): Stored {
    const present = this.#get(target);
    const { resourceVersion, uid } = body.metadata ?? {};
    const stale = resourceVersion !== undefined && resourceVersion !== present.metadata.resourceVersion;
    if (stale || (uid !== undefined && uid !== present.metadata.uid)) {
      throw conflict({ group: target.group, resource: target.plural }, target.name ?? '');
    }
    const isStatus = target.subresource === 'status';
    const next = (isStatus
      ? { ...present, status: body['status'] }
      : { ...body, status: present['status'] }) as unknown as Stored;
    next.metadata = {
      ...present.metadata,
      annotations: body.metadata?.annotations,
      ...(isStatus
        ? {}
        : {
            labels: body.metadata?.labels,
            ownerReferences: body.metadata?.ownerReferences,
            finalizers: body.metadata?.finalizers,
          }),
    };
    const content = ({ metadata: _metadata, status: _status, ...rest }: Stored): string => JSON.stringify(rest);
    if (content(next) !== content(present)) next.metadata.generation = (present.metadata.generation ?? 0) + 1;
    if (JSON.stringify(next) === JSON.stringify(present)) return present;
    if (isFinal(next)) return this.#remove(target, present);
    return this.#put(target.collection, 'updated', storeKey(target), next, present);
  }

  #delete(target: Target, body: UnstructuredObject): Stored {
    const present = this.#get(target);
    const { uid } = (body['preconditions'] ?? {}) as { uid?: string };
    if (uid !== undefined && uid !== present.metadata.uid) {
      throw conflict({ group: target.group, resource: target.plural }, target.name ?? '');
    }
    const graceSeconds = target.plural === 'pods' ? podGraceSeconds(present, body) : 0;
    if (graceSeconds === 0 && (present.metadata.finalizers ?? []).length === 0) return this.#remove(target, present);
    if (present.metadata.deletionTimestamp !== undefined && graceSeconds > 0) return present;
    const next: Stored = {
      ...present,
      metadata: {
        ...present.metadata,
        deletionTimestamp: formatTime(this.#clock.now() + graceSeconds * 1000),
        deletionGracePeriodSeconds: graceSeconds,
      },
    };
    return this.#put(target.collection, 'updated', storeKey(target), next, present);
  }

  #remove(target: Target, present: Stored): Stored {
    this.#collections.get(target.collection)?.delete(storeKey(target));
    this.#revision++;
    this.onChange({ collection: target.collection, type: 'deleted', object: present });
    return present;
  }

  #put(collection: string, type: 'created' | 'updated', key: string, object: Stored, previous?: Stored): Stored {
    const stored = JSON.parse(JSON.stringify(object)) as Stored;
    stored.metadata.resourceVersion = String(++this.#revision);
    const objects = this.#collections.get(collection) ?? new Map<string, Stored>();
    objects.set(key, stored);
    this.#collections.set(collection, objects);
    this.onChange({ collection, type, object: stored, ...(previous === undefined ? {} : { previous }) });
    return stored;
  }
}

function isFinal({ metadata }: Stored): boolean {
  const hasFinalizers = (metadata.finalizers ?? []).length > 0;
  return metadata.deletionTimestamp !== undefined && !hasFinalizers && !metadata.deletionGracePeriodSeconds;
}

function podGraceSeconds(pod: Stored, options: UnstructuredObject): number {
  const spec = pod['spec'] as { nodeName?: string; terminationGracePeriodSeconds?: number } | undefined;
  const status = pod['status'] as { phase?: string } | undefined;
  if (!spec?.nodeName || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0;
  return (options['gracePeriodSeconds'] as number | undefined) ?? spec.terminationGracePeriodSeconds ?? 30;
}

function applyPatch(present: Stored, patch: UnstructuredObject): Stored {
  const merged = merge(present, patch) as Stored;
  const changes = (patch.metadata ?? {}) as Record<string, unknown>;
  if (Array.isArray(changes['ownerReferences'])) {
    const references = [...(present.metadata.ownerReferences ?? [])];
    for (const change of changes['ownerReferences'] as ({ uid: string; $patch?: string } & Record<string, unknown>)[]) {
      const index = references.findIndex(({ uid }) => uid === change.uid);
      if (index >= 0) references.splice(index, 1);
      if (change.$patch !== 'delete') references.push(change as unknown as (typeof references)[number]);
    }
    merged.metadata.ownerReferences = references;
  }
  const removed = (changes['$deleteFromPrimitiveList/finalizers'] ?? []) as string[];
  const added = (changes['finalizers'] ?? []) as string[];
  const kept = (present.metadata.finalizers ?? []).filter((one) => !removed.includes(one) && !added.includes(one));
  merged.metadata.finalizers = [...kept, ...added];
  return merged;
}

function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof target === 'object' ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

function parsePath(path: string): Target {
  const [, root, ...rest] = (path.split('?')[0] ?? '').split('/').map(decodeURIComponent);
  const group = root === 'api' ? '' : (rest.shift() ?? '');
  rest.shift();
  const namespace = rest[0] === 'namespaces' && rest.length > 2 ? rest.splice(0, 2)[1] : undefined;
  const [plural = '', name, subresource] = rest;
  return { group, plural, collection: `${group || 'core'}/${plural}`, namespace, name, subresource };
}

function storeKey({ namespace, name }: { namespace?: string; name?: string }): string {
  return namespace === undefined ? (name ?? '') : `${namespace}/${name ?? ''}`;
}

function respond(status: number, body: unknown): TransportResponse {
  const bytes = Buffer.from(JSON.stringify(body));
  return {
    status,
    header: () => undefined,
    bytes: () => Promise.resolve(bytes),
    stream: async function* () {
      yield await Promise.resolve(bytes);
    },
  };
}
