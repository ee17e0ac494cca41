import { notFoundError } from '../../../../lib/api/errors.js';
import { isEmptySelector, matchesLabelSelector } from '../../../../lib/api/label-selector-match.js';
import type { V1LabelSelector, V1Namespace } from '../../../../lib/schema/generated/types.js';
import type { AdmissionAttributes, AdmissionContext } from '../plugin.js';
import { namespaceOf } from './rules.js';

const NAMESPACES = { group: '', plural: 'namespaces' };

/** Whether the namespace of a write is selected. Cluster-scoped objects always are. Throws 404 where the namespace does not exist. */
export async function namespaceSelected(
  selector: V1LabelSelector | undefined,
  attributes: AdmissionAttributes,
  { policies }: AdmissionContext,
): Promise<boolean> {
  if (isEmptySelector(selector)) return true;
  const { kind, operation, subresource, object } = attributes;
  const isNamespace = kind.group === '' && kind.plural === 'namespaces';
  if (isNamespace && subresource === '' && operation !== 'DELETE' && object !== undefined) {
    return matchesLabelSelector(selector, object.metadata?.labels);
  }
  const name = namespaceOf(attributes);
  if (name === '') return true;
  const namespace = await policies.get<V1Namespace & { metadata: object }>(NAMESPACES, '', name);
  if (namespace === undefined) throw notFoundError({ group: '', resource: 'namespaces' }, name);
  return matchesLabelSelector(selector, namespace.metadata?.labels);
}

/** Whether the object is selected, as it is to be or as it was. */
export function objectSelected(
  selector: V1LabelSelector | undefined,
  { object, oldObject }: AdmissionAttributes,
): boolean {
  if (isEmptySelector(selector)) return true;
  return [object, oldObject].some(
    (one) => one?.metadata !== undefined && matchesLabelSelector(selector, one.metadata.labels ?? {}),
  );
}
