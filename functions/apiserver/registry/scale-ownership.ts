import type { KubernetesObject } from '../../../lib/api/meta.js';
import {
  applyConfiguration,
  hasField,
  difference,
  identityOf,
  mergeTypeOf,
  setOfPath,
  trustedEntries,
  WHOLE_OBJECT,
  type ManagerEntry,
  type MergeType,
} from '../../../lib/schema/apply/index.js';
import type { Call, Registry, WriteOptions } from './context.js';
import { readPath } from './json-values.js';
import type { WithMeta } from './metadata.js';
import { BEFORE_FIRST_APPLY, writerOf } from './ownership.js';
import { SCALE_KIND } from './scale.js';
import { definitionOf } from './schema-rules.js';

const SCALE_REPLICAS = ['f:spec', 'f:replicas'];

export function scaleType(registry: Pick<Registry, 'schemas'>): MergeType {
  return mergeTypeOf(definitionOf(registry, SCALE_KIND.schema), registry.schemas, { goZeroValues: true });
}

/**
 * Applies a Scale: who owns its replicas are the managers that own the replicas of the object, and what they are after it is
 * carried over to those. `live`: the present Scale.
 */
export async function applyScale(
  registry: Registry,
  call: Call,
  apply: { config: KubernetesObject; live: KubernetesObject; old: WithMeta; options: WriteOptions },
): Promise<{ object: object; entries: readonly ManagerEntry[] }> {
  const { config, live, old, options } = apply;
  const { resource } = call;
  const path = (resource.definition.scale?.specReplicas ?? '').split('.').filter((name) => name !== '');
  const field = path.map((name) => `f:${name}`);
  const writer = writerOf(registry, call, options);
  const type = scaleType(registry);
  const parents = trustedEntries(old.metadata.managedFields);
  const owners = parents.filter(({ fields }) => hasField(fields, field)).map(asScaleEntry);
  if (owners.length === 0 && readPath(live, 'spec.replicas') !== undefined) {
    owners.push(asScaleEntry({ ...writer, manager: BEFORE_FIRST_APPLY, operation: 'Update', fields: undefined }));
  }
  const { object, entries } = await applyConfiguration({
    live,
    config,
    entries: owners,
    writer,
    scope: WHOLE_OBJECT,
    versions: { typeOf: () => type, convert: (one) => Promise.resolve(one) },
    force: options.force,
  });
  return { object, entries: asParentEntries(parents, entries, field) };
}

function asScaleEntry(entry: ManagerEntry): ManagerEntry {
  return { ...entry, fields: setOfPath(SCALE_REPLICAS) };
}

/** The object's managers after those of its Scale: who does not own the replicas there any more, does not here. */
function asParentEntries(
  parents: readonly ManagerEntry[],
  scales: readonly ManagerEntry[],
  field: readonly string[],
): ManagerEntry[] {
  const owners = new Map(
    scales.filter(({ fields }) => hasField(fields, SCALE_REPLICAS)).map((entry) => [identityOf(entry), entry]),
  );
  const result: ManagerEntry[] = [];
  for (const entry of parents) {
    if (!hasField(entry.fields, field) || owners.delete(identityOf(entry))) {
      result.push(entry);
      continue;
    }
    const fields = difference(entry.fields, setOfPath(field));
    if (fields !== undefined) result.push({ ...entry, fields });
  }
  // Times are those of the object's own managers: a new one has none, as in Kubernetes.
  for (const entry of owners.values()) result.push({ ...entry, time: undefined, fields: setOfPath(field) });
  return result;
}
