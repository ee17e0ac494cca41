import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What lib/schema/facts/ says of a field; written by scripts/facts, whose README explains each entry. */
export interface FieldFacts {
  number?: number;
  /** In Go's notation: `*int32`, `[]string`, `map[string]io.k8s.apimachinery.pkg.api.resource.Quantity`. */
  type: string;
  inline?: boolean;
  omitempty?: boolean;
  omitzero?: boolean;
  required?: boolean;
  default?: unknown;
  enum?: string[];
  itemEnum?: string[];
  listType?: 'atomic' | 'set' | 'map';
  listMapKeys?: string[];
  mapType?: 'atomic' | 'granular';
  patchStrategy?: string;
  patchMergeKey?: string;
}

export interface DefinitionFacts {
  /** `v1/Pod`, `apps/v1/Deployment`. */
  kinds?: string[];
  mapType?: 'atomic' | 'granular';
  unions?: unknown[];
  /** The element type of a named list that is a message of its own in protobuf. */
  items?: string;
  /** In the order of Kubernetes' own JSON. */
  fields?: Record<string, FieldFacts>;
}

export type Facts = Map<string, DefinitionFacts>;

/** All facts in `folder`, by definition name. */
export function readFacts(folder: string): Facts {
  const facts: Facts = new Map();
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.json')) continue;
    const definitions = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, DefinitionFacts>;
    for (const [name, definition] of Object.entries(definitions)) facts.set(name, definition);
  }
  return facts;
}

/** The fields of a definition as JSON has them: those of embedded messages stand among the others. */
export function jsonFields(facts: Facts, name: string): [string, FieldFacts][] {
  const definition = facts.get(name);
  if (definition === undefined) throw new Error(`there are no facts about ${name}; refresh lib/schema/facts`);
  return Object.entries(definition.fields ?? {}).flatMap(([field, about]) =>
    about.inline === true ? jsonFields(facts, about.type) : [[field, about] as [string, FieldFacts]],
  );
}
