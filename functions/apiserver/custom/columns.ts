import { findJsonPath, parseJsonPath, type JsonPath } from '../../../lib/api/json-path.js';
import { stringifyJson } from '../../../lib/json/stringify.js';
import type { V1CustomResourceColumnDefinition } from '../../../lib/schema/generated/types.js';
import type { Column } from '../resources/kind.js';
import { AGE } from '../resources/shared/columns.js';
import { CELL_ITEMS_MAX } from './limits.js';

const AGE_PATH = '.metadata.creationTimestamp';

/** The columns behind the name: what the definition lists, or the age where it lists none. */
export function customColumns(definitions: readonly V1CustomResourceColumnDefinition[] | undefined): Column[] {
  if (definitions === undefined || definitions.length === 0) return [{ ...AGE, description: AGE_DESCRIPTION }];
  return definitions.flatMap((definition) => {
    const path = quietly(() => parseJsonPath(definition.jsonPath));
    return path === undefined ? [] : [customColumn(definition, path)];
  });
}

const AGE_DESCRIPTION = `Custom resource definition column (in JSONPath format): ${AGE_PATH}`;

function customColumn(definition: V1CustomResourceColumnDefinition, path: JsonPath): Column {
  const { name, type, format, description, priority, jsonPath } = definition;
  return {
    name,
    type: type as Column['type'],
    ...(format === undefined ? {} : { format }),
    description:
      description === undefined || description === ''
        ? `Custom resource definition column (in JSONPath format): ${jsonPath}`
        : description,
    ...(priority === undefined || priority === 0 ? {} : { priority: priority as 1 }),
    cell: (object, nowMs) => cellOf(findJsonPath(path, object), type, nowMs),
  };
}

/** One value as it is, several as a list; what does not have the column's type is left out. */
function cellOf(found: readonly unknown[], type: string, nowMs: number): string | number | boolean | null {
  const [first] = found;
  if (first === undefined || first === null) return null;
  switch (type) {
    case 'integer':
      if (typeof first === 'bigint') return Number(first);
      return typeof first === 'number' ? Math.trunc(first) : null;
    case 'number':
      if (typeof first === 'bigint') return Number(first);
      return typeof first === 'number' ? first : null;
    case 'boolean':
      return typeof first === 'boolean' ? first : null;
    case 'date': {
      const at = typeof first === 'string' ? Date.parse(first) : Number.NaN;
      return Number.isNaN(at) ? '<unknown>' : AGE.cell({ metadata: { creationTimestamp: String(first) } }, nowMs);
    }
    default:
      return found.slice(0, CELL_ITEMS_MAX).map(textOf).join(',');
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : stringifyJson(value);
}

function quietly<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
