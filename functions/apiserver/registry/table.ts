import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { Column } from '../resources/kind.js';
import type { Resource } from './catalog.js';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

interface ColumnDefinition {
  name: string;
  type: string;
  format: string;
  description: string;
  priority: number;
}

export interface TableRow {
  cells: unknown[];
  object?: unknown;
}

const NAME_COLUMN: ColumnDefinition = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description:
    'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names',
  priority: 0,
};

/** What kinds without columns of their own show, as in Kubernetes. */
const CREATED_AT: Column = {
  name: 'Created At',
  type: 'date',
  description: 'The time at which the object was created.',
  cell: (object) => object.metadata?.creationTimestamp ?? null,
};

function columnsOf(resource: Resource): readonly Column[] {
  return resource.definition.columns ?? [CREATED_AT];
}

/** A kind with a name column of its own (events) puts it where it wants it. */
function namesItself(columns: readonly Column[]): boolean {
  return columns.some((column) => column.format === 'name');
}

export function columnDefinitions(resource: Resource): ColumnDefinition[] {
  const own = columnsOf(resource).map(({ name, type, format = '', description, priority = 0 }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
  return namesItself(columnsOf(resource)) ? own : [NAME_COLUMN, ...own];
}

/** One row. `object` is in storage form, which the kind's columns read; `served` is what goes with the row. */
export function tableRow(
  resource: Resource,
  object: KubernetesObject,
  options: { nowMs: number; include: IncludeObject; metaVersion: string; served: KubernetesObject },
): TableRow {
  const columns = columnsOf(resource);
  const cells: unknown[] = namesItself(columns) ? [] : [object.metadata?.name ?? ''];
  for (const column of columns) cells.push(column.cell(object, options.nowMs) ?? null);
  switch (options.include) {
    case 'None':
      return { cells };
    case 'Object':
      return { cells, object: options.served };
    case 'Metadata':
      return { cells, object: partialMetadata(object, options.metaVersion) };
  }
}

export function partialMetadata(object: KubernetesObject, metaVersion: string): unknown {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${metaVersion}`, metadata: object.metadata };
}
