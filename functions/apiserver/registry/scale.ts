import { badRequest, conflict, invalidError } from '../../../lib/api/errors.js';
import { invalid } from '../../../lib/api/field-errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import { isJsonObject } from '../../../lib/json/path.js';
import type { Resource } from './catalog.js';
import type { ExpectedKind } from './decode.js';
import { cloneJson, readPath, writePath } from './json-values.js';
import { restore, type WithMeta } from './metadata.js';

export const SCALE_KIND: ExpectedKind = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  schema: 'io.k8s.api.autoscaling.v1.Scale',
};

type Scale = KubernetesObject & {
  spec?: { replicas?: number };
  status?: { replicas: number; selector?: string };
};

/** autoscaling/v1 Scale over a stored object. */
export function scaleOf(resource: Resource, stored: WithMeta): Scale {
  const mapping = resource.definition.scale;
  if (mapping === undefined) throw new Error(`${resource.plural} have no scale`);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = stored.metadata;
  const replicas = Number(readPath(stored, mapping.specReplicas) ?? 0);
  const selector = mapping.selector === '' ? '' : selectorText(readPath(stored, mapping.selector));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: Number(readPath(stored, mapping.statusReplicas) ?? 0),
      ...(selector === '' ? {} : { selector }),
    },
  };
}

/** The stored object with the replicas of a Scale. */
export function withScale(resource: Resource, given: Scale, old: WithMeta): WithMeta {
  const mapping = resource.definition.scale;
  if (mapping === undefined) throw new Error(`${resource.plural} have no scale`);
  const { name = '', namespace = '', uid } = given.metadata ?? {};
  const replicas = given.spec?.replicas ?? 0;
  if (name !== '' && name !== old.metadata.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${old.metadata.name ?? ''})`,
    );
  }
  if (namespace !== '' && namespace !== (old.metadata.namespace ?? '')) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (replicas < 0) {
    throw invalidError({ group: 'autoscaling', kind: 'Scale' }, old.metadata.name ?? '', [
      invalid('spec.replicas', replicas, 'must be greater than or equal to 0'),
    ]);
  }
  if (uid !== undefined && uid !== '' && uid !== old.metadata.uid) {
    throw conflict(
      { group: resource.group, resource: `${resource.plural}/scale` },
      old.metadata.name ?? '',
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid ?? ''}`,
    );
  }
  const object = cloneJson(old);
  writePath(object, mapping.specReplicas, replicas);
  restore(object.metadata, given.metadata ?? {}, 'resourceVersion');
  return object;
}

/** A label selector as the text form that clients of Scale parse. */
function selectorText(selector: unknown): string {
  if (typeof selector === 'string') return selector;
  if (!isJsonObject(selector)) return '';
  const { matchLabels, matchExpressions } = selector;
  const isPlainMap = matchLabels === undefined && matchExpressions === undefined;
  const labels = (isPlainMap ? selector : (matchLabels ?? {})) as Record<string, string>;
  const terms = Object.entries(labels).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  for (const one of (matchExpressions ?? []) as { key: string; operator: string; values?: string[] }[]) {
    terms.push({ key: one.key, text: expressionText(one) });
  }
  return terms
    .toSorted((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
    .map(({ text }) => text)
    .join(',');
}

function expressionText({ key, operator, values = [] }: { key: string; operator: string; values?: string[] }): string {
  switch (operator) {
    case 'Exists':
      return key;
    case 'DoesNotExist':
      return `!${key}`;
    case 'NotIn':
      return `${key} notin (${values.toSorted().join(',')})`;
    default:
      return `${key} in (${values.toSorted().join(',')})`;
  }
}
