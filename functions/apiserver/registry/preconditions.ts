import { conflict, type ErrorTarget } from '../../../lib/api/errors.js';
import type { ObjectMeta } from '../../../lib/api/meta.js';
import { keyOf, type Resource } from './catalog.js';

/** What a client demands of the object that it means; empty and absent fields demand nothing. */
export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** Refuses a write that means another object, or another state of it, in the words of Kubernetes' storage layer. */
export function checkWritePreconditions(
  resource: Resource,
  found: ObjectMeta,
  wanted: Preconditions,
  target: ErrorTarget = resource.target,
): void {
  const fault = faultOf(found, wanted);
  if (fault === undefined) return;
  const { name = '', namespace = '' } = found;
  const key = `/registry/${resource.plural}/${keyOf(namespace, name)}`;
  throw conflict(
    target,
    name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${fault}`,
  );
}

/** The same for a delete, which Kubernetes checks elsewhere and with other words. */
export function checkDeletePreconditions(resource: Resource, found: ObjectMeta, wanted: Preconditions): void {
  const { name = '', uid = '', resourceVersion = '' } = found;
  if (resource.collection === 'core/namespaces') {
    const fault = faultOf(found, wanted);
    if (fault !== undefined) throw conflict(resource.target, name, fault);
  }
  const target = { group: resource.group, resource: resource.kind };
  if (demands(wanted.uid, uid)) {
    throw conflict(
      target,
      name,
      `the UID in the precondition (${wanted.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    );
  }
  if (demands(wanted.resourceVersion, resourceVersion)) {
    throw conflict(
      target,
      name,
      `the ResourceVersion in the precondition (${wanted.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    );
  }
}

function faultOf({ uid = '', resourceVersion = '' }: ObjectMeta, wanted: Preconditions): string | undefined {
  if (demands(wanted.uid, uid)) {
    return `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`;
  }
  if (demands(wanted.resourceVersion, resourceVersion)) {
    return `Precondition failed: ResourceVersion in precondition: ${wanted.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`;
  }
  return undefined;
}

function demands(wanted: string | undefined, found: string): boolean {
  return wanted !== undefined && wanted !== '' && wanted !== found;
}
