import { deepEqual } from '../../api/equality.js';
import type { Comparison } from './compare.js';
import { ConflictError, type Conflict } from './conflicts.js';
import { difference, intersection, union, type FieldSet } from './field-set.js';
import { fieldSetOf } from './field-set-of.js';
import { identityOf, type ManagerEntry } from './managed-fields.js';
import { mergeValues } from './merge.js';
import type { MergeType } from './merge-type.js';
import { compareObjects, fieldSetOfObject, type WriteScope } from './object-scope.js';
import { reconcileSet, removeFields, withNamedMembers } from './remove.js';
import { loseFields, type Changes, type Writer } from './update-managers.js';

/** An object in the versions that its managers know it in. */
export interface ObjectVersions {
  /** Undefined for a version that is not served any more. */
  typeOf(apiVersion: string): MergeType | undefined;
  /** The object of one version as that of another. Must not change its argument. */
  convert(object: object, from: string, to: string): Promise<object>;
}

export interface ApplyRequest {
  /** The present object in the request's version; empty where there is none. Without managedFields. */
  readonly live: object;
  /** What is applied: an object of the request's version that fits its schema. */
  readonly config: object;
  readonly entries: readonly ManagerEntry[];
  readonly writer: Writer;
  readonly scope: WriteScope;
  readonly versions: ObjectVersions;
  /** Takes fields over from other managers instead of failing. */
  readonly force: boolean;
}

export interface Applied {
  /** The merged object, in the request's version; the live one itself where nothing changed. */
  readonly object: object;
  readonly entries: readonly ManagerEntry[];
}

/**
 * Server-side apply: merges the configuration into the object, takes away what its manager applied before and does not any more and
 * nobody else owns, and makes the manager own exactly what it applied. Throws a `ConflictError` where others own what would
 * change.
 */
export async function applyConfiguration(request: ApplyRequest): Promise<Applied> {
  const { live, config, writer, scope, versions, force } = request;
  const type = requireType(versions, writer.apiVersion);
  const entries = reconcile(request.entries, versions);
  const self: ManagerEntry = {
    ...writer,
    operation: 'Apply',
    time: undefined,
    fields: fieldSetOfObject(type, config, scope),
  };
  const id = identityOf(self);
  const last = entries.find((one) => identityOf(one) === id);
  const others = entries.filter((one) => one !== last);
  const merged = mergeValues(type, live, config) as object;
  const object = last === undefined ? merged : await prune(request, { merged, last, self, others });
  const changes = await changesOf(request, object, others);
  if (!force) refuseConflicts(others, changes);
  const isSame = deepEqual(live, object);
  const time = isSame ? last?.time : writer.time;
  const kept = loseFields(others, changes);
  return {
    object: isSame ? live : object,
    entries: self.fields === undefined ? kept : [...kept, { ...self, time }],
  };
}

function requireType(versions: ObjectVersions, apiVersion: string): MergeType {
  const type = versions.typeOf(apiVersion);
  if (type === undefined) throw new Error(`${apiVersion} has no schema to apply by`);
  return type;
}

/** Managers of versions that are not served any more own nothing. */
function reconcile(entries: readonly ManagerEntry[], versions: ObjectVersions): ManagerEntry[] {
  const kept: ManagerEntry[] = [];
  for (const entry of entries) {
    const type = versions.typeOf(entry.apiVersion);
    if (type === undefined) continue;
    const fields = entry.fields && reconcileSet(type, entry.fields);
    kept.push(fields === entry.fields ? entry : { ...entry, fields });
  }
  return kept;
}

function refuseConflicts(entries: readonly ManagerEntry[], changes: Changes): void {
  const conflicts: Conflict[] = [];
  for (const entry of entries) {
    const change = changes.get(entry.apiVersion);
    if (change === undefined || change === 'unserved') continue;
    const fields = intersection(entry.fields, union(change.modified, change.added));
    if (fields !== undefined) conflicts.push({ entry, fields });
  }
  if (conflicts.length > 0) throw new ConflictError(conflicts);
}

/** What the apply changes, in the versions of all managers. */
async function changesOf(request: ApplyRequest, object: object, entries: readonly ManagerEntry[]): Promise<Changes> {
  const { live, writer, scope, versions } = request;
  const changes = new Map<string, Comparison | undefined | 'unserved'>();
  for (const { apiVersion } of [writer, ...entries]) {
    if (changes.has(apiVersion)) continue;
    const type = requireType(versions, apiVersion);
    const before = await convert(versions, live, writer.apiVersion, apiVersion);
    const after = await convert(versions, object, writer.apiVersion, apiVersion);
    changes.set(apiVersion, compareObjects(type, before, after, scope));
  }
  return changes;
}

function convert(versions: ObjectVersions, object: object, from: string, to: string): object | Promise<object> {
  return from === to ? object : versions.convert(object, from, to);
}

interface Pruning {
  readonly merged: object;
  readonly last: ManagerEntry;
  readonly self: ManagerEntry;
  readonly others: readonly ManagerEntry[];
}

/**
 * The merged object without the fields that the manager applied last time and does not own any more, as far as nobody else owns
 * them or anything in them.
 */
async function prune(request: ApplyRequest, { merged, last, self, others }: Pruning): Promise<object> {
  if (last.fields === undefined) return merged;
  const { versions, writer } = request;
  const type = requireType(versions, last.apiVersion);
  const before = await convert(versions, merged, writer.apiVersion, last.apiVersion);
  const given = withNamedMembers(type, last.fields);
  let pruned = (removeFields(type, before, given) ?? {}) as object;
  let version = last.apiVersion;
  for (const [apiVersion, owned] of ownedByVersion([...others, self], last.apiVersion)) {
    const inVersion = requireType(versions, apiVersion);
    const whole = await convert(versions, merged, writer.apiVersion, apiVersion);
    const rest = await convert(versions, pruned, version, apiVersion);
    const lost = difference(
      namedFieldsOf(inVersion, whole),
      union(namedFieldsOf(inVersion, rest), withNamedMembers(inVersion, owned)),
    );
    pruned = lost === undefined ? whole : ((removeFields(inVersion, whole, lost) ?? {}) as object);
    version = apiVersion;
  }
  const rest = await convert(versions, pruned, version, last.apiVersion);
  const lost = intersection(difference(namedFieldsOf(type, before), namedFieldsOf(type, rest)), given);
  const result = lost === undefined ? before : ((removeFields(type, before, lost) ?? {}) as object);
  return convert(versions, result, last.apiVersion, writer.apiVersion);
}

function namedFieldsOf(type: MergeType, object: object): FieldSet | undefined {
  const fields = fieldSetOf(type, object);
  return fields && withNamedMembers(type, fields);
}

/** All that the managers own, by version; the given version comes first, since a conversion may need what it gives back. */
function ownedByVersion(entries: readonly ManagerEntry[], first: string): [string, FieldSet][] {
  const owned = new Map<string, FieldSet>();
  for (const { apiVersion, fields } of entries.toSorted(
    (a, b) => Number(b.apiVersion === first) - Number(a.apiVersion === first),
  )) {
    const all = union(owned.get(apiVersion), fields);
    if (all !== undefined) owned.set(apiVersion, all);
  }
  return [...owned];
}
