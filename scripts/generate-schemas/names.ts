import { jsonFields, type Facts } from './facts.js';
import type { Model } from './models.js';

/**
 * Matches client-node's names with the definitions' own: `V1Pod` is `io.k8s.api.core.v1.Pod`. Where several groups
 * have a kind of one name, client-node puts the group before it: `CoreV1Event`.
 * Returns models by definition name. Models that only prerelease kinds use have no definition and are left out.
 */
export function matchModels(models: Map<string, Model>, facts: Facts): Map<string, Model> {
  const matched = new Map<string, Model>();
  const taken = new Set<Model>();
  for (const withGroup of [true, false]) {
    for (const name of facts.keys()) {
      const model = models.get(clientName(name, withGroup));
      if (model === undefined || matched.has(name) || taken.has(model)) continue;
      if (!withGroup && !hasSameFields(name, model, facts)) continue;
      matched.set(name, model);
      taken.add(model);
    }
  }
  return matched;
}

function clientName(definition: string, withGroup: boolean): string {
  const [kind = '', version = '', group = ''] = definition.split('.').reverse();
  if (version === 'version') return `Version${kind}`;
  return (withGroup ? capitalised(group) : '') + capitalised(version) + kind;
}

function hasSameFields(name: string, model: Model, facts: Facts): boolean {
  const fields = new Map(jsonFields(facts, name));
  return model.properties.length === fields.size && model.properties.every((property) => fields.has(property.name));
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
