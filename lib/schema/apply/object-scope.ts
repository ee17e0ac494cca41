import { compareMembers, type Comparison } from './compare.js';
import { nodeOf, type FieldSet } from './field-set.js';
import { fieldSetOf } from './field-set-of.js';
import type { MapType, MergeType } from './merge-type.js';
import { fieldElement } from './path-element.js';
import { memberTypeOf, membersOf, type Members } from './values.js';

/** What of an object a request may write, and so what of it can be owned through that request. */
export interface WriteScope {
  /** Members of the object that do not count; undefined where only those of `only` do. */
  readonly without: ReadonlySet<string>;
  readonly only: ReadonlySet<string> | undefined;
  /** Members of the metadata that do not count, beyond those that nobody owns. */
  readonly withoutMetadata: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();
const STATUS: ReadonlySet<string> = new Set(['status']);

/** The object of a kind without a status of its own. */
export const WHOLE_OBJECT: WriteScope = { without: NONE, only: undefined, withoutMetadata: NONE };
/** All but the status. */
export const WITHOUT_STATUS: WriteScope = { without: STATUS, only: undefined, withoutMetadata: NONE };
/** The status, with those metadata that a status write keeps from its request. */
export const STATUS_ALONE: WriteScope = {
  without: NONE,
  only: new Set(['status', 'metadata']),
  withoutMetadata: new Set(['labels', 'ownerReferences']),
};

/** Metadata that belong to the server. */
const SYSTEM_METADATA = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
]);

/** What differs between two objects, within a scope and without what nobody owns. */
export function compareObjects(
  type: MergeType,
  before: object,
  after: object,
  scope: WriteScope,
): Comparison | undefined {
  const map = type.map as MapType;
  const { metadata: oldMetadata, ...old } = visibleMembers(before as Members, scope);
  const { metadata: newMetadata, ...given } = visibleMembers(after as Members, scope);
  const content = compareMembers(map, old, given);
  const metadata = compareMetadata(map, oldMetadata, newMetadata, scope);
  if (metadata === undefined) return content;
  return {
    added: withMember(content?.added, metadata.added),
    modified: withMember(content?.modified, metadata.modified),
    removed: withMember(content?.removed, metadata.removed),
  };
}

function compareMetadata(map: MapType, before: unknown, after: unknown, scope: WriteScope): Comparison | undefined {
  const type = memberTypeOf(map, 'metadata')?.map;
  if (type === undefined) return undefined;
  return compareMembers(type, ownableMetadata(before, scope), ownableMetadata(after, scope));
}

function withMember(content: FieldSet | undefined, metadata: FieldSet | undefined): FieldSet | undefined {
  if (metadata === undefined) return content;
  return nodeOf({ ...content, [fieldElement('metadata')]: metadata });
}

function visibleMembers(object: Members, scope: WriteScope): Members {
  const visible: Members = {};
  for (const name in object) {
    if (name === 'apiVersion' || name === 'kind' || scope.without.has(name)) continue;
    if (scope.only === undefined || scope.only.has(name)) visible[name] = object[name];
  }
  return visible;
}

function ownableMetadata(metadata: unknown, scope: WriteScope): Members {
  const ownable: Members = {};
  const members = membersOf(metadata) ?? {};
  for (const name in members) {
    if (!SYSTEM_METADATA.has(name) && !scope.withoutMetadata.has(name)) ownable[name] = members[name];
  }
  return ownable;
}

/** The fields that a configuration of an object sets, within a scope and without what nobody owns. */
export function fieldSetOfObject(type: MergeType, config: object, scope: WriteScope): FieldSet | undefined {
  const { metadata, ...content } = visibleMembers(config as Members, scope);
  const ownable = ownableMetadata(metadata, scope);
  const visible = Object.keys(ownable).length > 0 ? { ...content, metadata: ownable } : content;
  return fieldSetOf(type, visible);
}
