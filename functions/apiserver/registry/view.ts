import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Resource } from './catalog.js';
import type { Call, Registry } from './context.js';
import { fromStorage, toStorage } from './convert.js';
import type { ExpectedKind } from './decode.js';
import { cloneJson } from './json-values.js';
import { restore, type WithMeta } from './metadata.js';
import { present, presentValue } from './present.js';
import { parseStored } from './objects.js';
import { partRules } from './parts.js';
import type { ApiResponse } from './request.js';
import { SCALE_KIND, scaleOf, withScale } from './scale.js';

/** How a path shows and writes a stored object: the object itself, one part of it, or another kind over it. */
export interface View {
  /** What a body must be. */
  readonly expected: ExpectedKind;
  /** '' for the object itself, `status`, or the subresource. */
  readonly part: string;
  /** What clients see of a stored object. May share with it. */
  read(stored: WithMeta): KubernetesObject;
  /** The wanted storage form from what the client sent, which may be changed, and what is stored, which must not be. */
  write(given: KubernetesObject, old: WithMeta): WithMeta;
  present(status: number, body: Uint8Array): ApiResponse;
}

/** The view of a call's path; undefined where a subresource is no view of its object but an action. */
export function viewOf(registry: Registry, call: Call): View | undefined {
  const { resource, path } = call;
  const { subresource } = path;
  const { definition } = resource;
  if (subresource === '' || (subresource === 'status' && definition.hasStatus === true))
    return objectView(registry, call);
  if (subresource === 'scale' && definition.scale !== undefined) return scaleView(call, resource);
  const declared = definition.subresources?.some(({ name }) => name === subresource) === true;
  const rule = declared ? partRules[subresource] : undefined;
  if (rule === undefined) return undefined;
  const whole = objectView(registry, call);
  return {
    ...whole,
    write(given, old) {
      const wanted = whole.write(given, old);
      const object = cloneJson(old);
      rule(object, wanted);
      restore(object.metadata, wanted.metadata, 'resourceVersion');
      restore(object.metadata, wanted.metadata, 'uid');
      return object;
    },
  };
}

function objectView(registry: Registry, call: Call): View {
  const { resource, path } = call;
  return {
    expected: resource,
    part: path.subresource,
    read: (stored) => fromStorage(resource, stored),
    write: (given) => toStorage(registry, resource, given),
    present: (status, body) => present(registry, call, status, body),
  };
}

function scaleView(call: Call, resource: Resource): View {
  return {
    expected: SCALE_KIND,
    part: 'scale',
    read: (stored) => scaleOf(resource, stored),
    write: (given, old) => withScale(resource, given, old),
    present: (status, body) => presentValue(call, status, scaleOf(resource, parseStored(body) as WithMeta)),
  };
}
