import { badRequest } from '../../../lib/api/errors.js';
import {
  DEFAULT_SELECTABLE_FIELDS,
  matchesFieldSelector,
  parseFieldSelector,
  requiredFieldValue,
  requireSelectableFields,
  type FieldSelector,
} from '../../../lib/api/field-selector.js';
import { parseLabelSelector, SelectorError } from '../../../lib/api/label-selector.js';
import { keyOf, type Resource } from './catalog.js';
import type { Attributes } from './objects.js';
import type { SelectionIndex } from './watch-hub.js';

/** Which objects of a collection a list or watch is about. */
export interface Selection {
  /** No selectors: every object under the prefix. */
  readonly everything: boolean;
  /** Of the store's keys. */
  readonly prefix: string;
  /** What narrows it for the watch hub; undefined: it must see every event. */
  readonly index: SelectionIndex | undefined;
  matches(attributes: Attributes): boolean;
}

/** The selection of a request's namespace and selectors. Throws 400 in Kubernetes' words. */
export function readSelection(
  resource: Resource,
  namespace: string,
  options: { labelSelector: string; fieldSelector: string },
): Selection {
  const inNamespace = namespace === '' ? '' : `${namespace}/`;
  const index = namespace === '' ? undefined : { namespace };
  if (options.labelSelector === '' && options.fieldSelector === '') {
    return { everything: true, prefix: inNamespace, index, matches: () => true };
  }
  const labels = parsed(() => parseLabelSelector(options.labelSelector));
  const fields = parsed(() => readFieldSelector(resource, options.fieldSelector));
  const byLabels = labels.requirements.length > 0;
  const byFields = fields.terms.length > 0;
  if (!byLabels && !byFields) return { everything: true, prefix: inNamespace, index, matches: () => true };
  const name = requiredFieldValue(fields, 'metadata.name');
  const selectedNamespace = namespace === '' ? (requiredFieldValue(fields, 'metadata.namespace') ?? '') : namespace;
  const isKey = name !== undefined && (selectedNamespace !== '' || !resource.definition.namespaced);
  const key = isKey ? keyOf(resource.definition.namespaced ? selectedNamespace : '', name) : undefined;
  return {
    everything: false,
    prefix: key ?? (selectedNamespace === '' ? '' : `${selectedNamespace}/`),
    index: key === undefined ? narrowest(resource, fields, name, selectedNamespace) : { key },
    matches: (attributes) =>
      (!byFields || matchesFieldSelector(fields, (field) => fieldOf(attributes, field))) &&
      (!byLabels || labels.matches(attributes.labels)),
  };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

function readFieldSelector(resource: Resource, text: string): FieldSelector {
  const selector = parseFieldSelector(text);
  const own = resource.definition.fieldLabels;
  requireSelectableFields(
    selector,
    own === undefined ? undefined : [...DEFAULT_SELECTABLE_FIELDS, ...Object.keys(own)],
  );
  return selector;
}

function narrowest(
  resource: Resource,
  fields: FieldSelector,
  name: string | undefined,
  namespace: string,
): SelectionIndex | undefined {
  if (name !== undefined) return { name };
  for (const field of Object.keys(resource.definition.fieldLabels ?? {})) {
    const value = requiredFieldValue(fields, field);
    if (value !== undefined) return { field, value };
  }
  return namespace === '' ? undefined : { namespace };
}

function fieldOf(attributes: Attributes, field: string): string {
  if (field === 'metadata.name') return attributes.name;
  if (field === 'metadata.namespace') return attributes.namespace;
  return attributes.fields[field] ?? '';
}
