import { labelSelectorToString, SelectorError } from '../../../../lib/api/label-selector.js';
import type { KubernetesObject } from '../../../../lib/api/meta.js';
import type { V1Container, V1LabelSelector } from '../../../../lib/schema/generated/types.js';
import type { Column } from '../kind.js';
import { humanDuration } from './human-duration.js';

export { formatLabelSelector } from '../../../../lib/api/label-selector.js';

/** Time passed since an RFC 3339 timestamp, as Kubernetes prints ages; `<unknown>` without one. */
export function timeSince(timestamp: string | undefined, nowMs: number): string {
  return timestamp === undefined ? '<unknown>' : humanDuration(nowMs - Date.parse(timestamp));
}

export const AGE: Column = {
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created.',
  cell: (object, nowMs) => timeSince(object.metadata?.creationTimestamp, nowMs),
};

/** Replaces the generic Name column: the name, with ` (default)` behind it when one of the annotations is `true`. */
export function nameWithDefault(...annotations: readonly string[]): Column {
  return {
    name: 'Name',
    type: 'string',
    format: 'name',
    description: 'Name must be unique within a namespace.',
    cell: ({ metadata }) => {
      const isDefault = annotations.some((annotation) => metadata?.annotations?.[annotation] === 'true');
      return `${metadata?.name ?? ''}${isDefault ? ' (default)' : ''}`;
    },
  };
}

/** The only column of kinds for which Kubernetes has no printer. */
export const CREATED_AT: Column = {
  name: 'Created At',
  type: 'date',
  description: 'When the object was created.',
  cell: (object) => object.metadata?.creationTimestamp ?? null,
};

/** `a,b,c + 2 more...`, or `<unset>` for none. */
export function listWithMore(items: readonly string[], max: number): string {
  if (items.length > max) return `${items.slice(0, max).join(',')} + ${items.length - max} more...`;
  return items.length === 0 ? '<unset>' : items.join(',');
}

/** `a=1,b=2` sorted by key, or `<none>`. */
export function formatLabels(labels: Record<string, string> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '<none>' : pairs.toSorted().join(',');
}

/** A label selector as query text: `app=web,tier in (a,b),!old`; '' when it has no requirement. */
export function labelSelectorText(selector: V1LabelSelector | undefined): string {
  try {
    return labelSelectorToString(selector);
  } catch (error) {
    if (error instanceof SelectorError) return '<invalid>';
    throw error;
  }
}

/** The wide columns Containers and Images of a kind with a pod template. */
export function containerColumns<T extends KubernetesObject>(
  containersOf: (object: T) => readonly V1Container[] | undefined,
): Column<T>[] {
  return [
    {
      name: 'Containers',
      type: 'string',
      priority: 1,
      description: 'Names of each container in the template.',
      cell: (object) => (containersOf(object) ?? []).map((container) => container.name).join(','),
    },
    {
      name: 'Images',
      type: 'string',
      priority: 1,
      description: 'Images referenced by each container in the template.',
      cell: (object) => (containersOf(object) ?? []).map((container) => container.image ?? '').join(','),
    },
  ];
}
