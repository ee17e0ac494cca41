import type { Comparison } from './compare.js';
import { difference, union, type FieldSet } from './field-set.js';
import { capEntries, identityOf, type ManagerEntry } from './managed-fields.js';

/** Who makes a change. */
export interface Writer {
  readonly manager: string;
  /** The version of the request. */
  readonly apiVersion: string;
  readonly subresource: string;
  /** Now, as in JSON. */
  readonly time: string;
}

/** What a change is in each version that managers have named their fields in; undefined for one that is not served any more. */
export type Changes = ReadonlyMap<string, Comparison | undefined | 'unserved'>;

/**
 * The managers after a change that was not applied: everybody loses what it changed, added or removed, and its writer owns what
 * it changed and added. `changes` has the request's own version and those of all entries.
 */
export function updateManagers(
  entries: readonly ManagerEntry[],
  changes: Changes,
  writer: Writer,
): readonly ManagerEntry[] {
  const own = changes.get(writer.apiVersion);
  const taken = own === undefined || own === 'unserved' ? undefined : union(own.modified, own.added);
  const kept = loseFields(entries, changes);
  if (taken === undefined) return kept;
  const entry: ManagerEntry = { ...writer, operation: 'Update', fields: taken };
  const id = identityOf(entry);
  const before = kept.find((one) => identityOf(one) === id);
  const others = kept.filter((one) => one !== before);
  return capEntries([...others, { ...entry, fields: union(before?.fields, taken) }]);
}

/** The entries without what changed; those that own nothing any more are left out. */
export function loseFields(
  entries: readonly ManagerEntry[],
  changes: Changes,
  except?: ManagerEntry,
): readonly ManagerEntry[] {
  const kept: ManagerEntry[] = [];
  let isSame = true;
  for (const entry of entries) {
    const change = changes.get(entry.apiVersion);
    if (change === 'unserved' && entry !== except) {
      isSame = false;
      continue;
    }
    const fields = entry === except || change === 'unserved' ? entry.fields : rest(entry.fields, change);
    if (fields === entry.fields && fields !== undefined) kept.push(entry);
    else {
      isSame = false;
      if (fields !== undefined) kept.push({ ...entry, fields });
    }
  }
  return isSame ? entries : kept;
}

function rest(fields: FieldSet | undefined, change: Comparison | undefined): FieldSet | undefined {
  if (change === undefined) return fields;
  return difference(difference(difference(fields, change.modified), change.added), change.removed);
}
