import { cloneJson } from './json-values.js';
import type { WithMeta } from './metadata.js';

/** Takes over from `wanted` the one part that a subresource may write. */
type PartRule = (object: WithMeta, wanted: WithMeta) => void;

interface Container {
  name: string;
  resources?: unknown;
  resizePolicy?: unknown;
}

interface PodLike {
  spec?: { containers?: Container[]; initContainers?: Container[]; ephemeralContainers?: unknown[] };
}

/** Subresources whose body is the whole object, of which they write one part. By name; the kind must declare them. */
export const partRules: Readonly<Record<string, PartRule>> = {
  /** namespaces/finalize: the finalizers of the spec. */
  finalize(object, wanted) {
    const target = object as { spec?: { finalizers?: string[] } };
    const finalizers = (wanted as { spec?: { finalizers?: string[] } }).spec?.finalizers ?? [];
    target.spec ??= {};
    if (finalizers.length === 0) delete target.spec.finalizers;
    else target.spec.finalizers = [...finalizers];
  },
  /** certificatesigningrequests/approval: conditions and annotations, never the certificate. */
  approval(object, wanted) {
    const target = object as { status?: { conditions?: unknown } };
    target.status ??= {};
    take(target.status, (wanted as { status?: { conditions?: unknown } }).status, 'conditions');
    take(object.metadata, wanted.metadata, 'annotations');
    take(object.metadata, wanted.metadata, 'labels');
  },
  /** pods/ephemeralcontainers: the list of them, which only grows (see the kind's update rules). */
  ephemeralcontainers(object, wanted) {
    const target = object as PodLike;
    target.spec ??= {};
    take(target.spec, (wanted as PodLike).spec, 'ephemeralContainers');
  },
  /** pods/resize: resources and resize policies of the containers there are. */
  resize(object, wanted) {
    const [target, source] = [(object as PodLike).spec, (wanted as PodLike).spec];
    resizeContainers(target?.containers, source?.containers);
    resizeContainers(target?.initContainers, source?.initContainers);
  },
};

/** Makes a field what it is in `source`: absent where it is absent there, which is not the same as undefined. */
function take<T extends object, K extends keyof T>(target: T, source: T | undefined, key: K): void {
  const value = source?.[key];
  if (value === undefined) delete target[key];
  else target[key] = cloneJson(value);
}

function resizeContainers(containers: Container[] | undefined, wanted: readonly Container[] | undefined): void {
  for (const container of containers ?? []) {
    const given = wanted?.find(({ name }) => name === container.name);
    if (given === undefined) continue;
    take(container, given, 'resources');
    if (given.resizePolicy !== undefined) container.resizePolicy = cloneJson(given.resizePolicy);
  }
}
