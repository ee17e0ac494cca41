import { parseApiVersion } from '../../../lib/api/meta.js';
import { formatTime } from '../../../lib/clock/clock.js';
import {
  ApplyError,
  compareObjects,
  existingFields,
  identityOf,
  isReset,
  mergeTypeOf,
  readEntries,
  STATUS_ALONE,
  trustedEntries,
  updateManagers,
  WHOLE_OBJECT,
  WITHOUT_STATUS,
  writeEntries,
  type Changes,
  type ManagerEntry,
  type ManagerOperation,
  type MergeType,
  type ObjectVersions,
  type Writer,
  type WriteScope,
} from '../../../lib/schema/apply/index.js';
import { showSameObjects, type Resource } from './catalog.js';
import type { Call, Registry, WriteOptions } from './context.js';
import { convertToStorage, fromStorage } from './convert.js';
import { equalJson } from './json-values.js';
import type { WithMeta } from './metadata.js';
import { definitionOf } from './schema-rules.js';

const NO_ENTRIES: readonly ManagerEntry[] = [];
const UNKNOWN_MANAGER = 'unknown';
/** The manager of what was there before its managers were kept track of. */
export const BEFORE_FIRST_APPLY = 'before-first-apply';
const MANAGER_MAX_BYTES = 128;
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** How objects of a resource, in the version it is served in, are merged and owned. */
export function mergeTypeOfResource(registry: Pick<Registry, 'schemas'>, resource: Resource): MergeType {
  const goZeroValues = resource.definition.custom === undefined;
  return mergeTypeOf(definitionOf(registry, resource.schema), registry.schemas, { goZeroValues });
}

/** The versions in which the objects of a resource are served. */
export function objectVersions(registry: Registry, resource: Resource): ObjectVersions {
  const at = (apiVersion: string): Resource | undefined => {
    if (apiVersion === resource.apiVersion) return resource;
    const { group, version } = parseApiVersion(apiVersion);
    const found = registry.catalog.find(group, version, resource.plural);
    return found !== undefined && showSameObjects(found, resource) ? found : undefined;
  };
  return {
    typeOf(apiVersion) {
      const found = at(apiVersion);
      return found === undefined ? undefined : mergeTypeOfResource(registry, found);
    },
    async convert(object, from, to) {
      const [source, target] = [at(from), at(to)];
      if (source === undefined || target === undefined) throw new Error(`${resource.plural} are not served in ${to}`);
      if (target.definition.custom !== undefined) return registry.convertCustom(object, target);
      return fromStorage(target, convertToStorage(registry, source, object));
    },
  };
}

/** What a write of this part of an object may own. A subresource that writes a part of its own has set that part alone already. */
export function scopeOf(resource: Resource, part: string): WriteScope {
  if (part === 'status') return STATUS_ALONE;
  return part === '' && resource.definition.hasStatus === true ? WITHOUT_STATUS : WHOLE_OBJECT;
}

/** Who writes, as managedFields name them: by the parameter, else by the program that the client says it is. */
export function writerOf(registry: Registry, call: Call, options: WriteOptions): Writer {
  return {
    manager: options.fieldManager || managerOfAgent(call.request.header('user-agent') ?? '') || UNKNOWN_MANAGER,
    apiVersion: call.resource.apiVersion,
    subresource: call.path.subresource,
    time: formatTime(registry.clock.now()),
  };
}

function managerOfAgent(agent: string): string {
  const name = (agent.split('/', 1)[0] ?? '').replace(UNPRINTABLE, '');
  if (Buffer.byteLength(name) <= MANAGER_MAX_BYTES) return name;
  let kept = '';
  for (const character of name) {
    if (Buffer.byteLength(kept) + Buffer.byteLength(character) > MANAGER_MAX_BYTES) break;
    kept += character;
  }
  return kept;
}

/** The managers of a write that is under way. */
export interface Ownership {
  /** What hooks and admission have taken away again is owned by nobody. Called with the object as it will be stored. */
  settle(object: WithMeta, warnings: Set<string>): void;
}

/** A write as its managers see it: before hooks and admission, and after everything was put back that it may not reach. */
export interface OwnedWrite {
  /** In storage version. */
  readonly resource: Resource;
  readonly object: WithMeta;
  readonly old: WithMeta | undefined;
  /** metadata.managedFields as the client sent them. */
  readonly given: readonly unknown[] | undefined;
  readonly part: string;
  readonly options: WriteOptions;
}

/** Sets metadata.managedFields of an object that is created or updated. */
export async function trackWrite(registry: Registry, call: Call, write: OwnedWrite): Promise<Ownership> {
  const { object, old, part } = write;
  const entries = entriesOf(write);
  if (entries.length === 0 && old !== undefined) return withoutOwners(object);
  const named = writerOf(registry, call, write.options);
  const changes = await changesOf(registry, call, write, entries);
  const after = updateManagers(entries, changes, named);
  // The scale's managers have no times in Kubernetes: its object has none to take them from.
  const timed = part === 'scale' ? after.map((one) => (isOf(one, named) ? { ...one, time: undefined } : one)) : after;
  return setOwners(registry, call, object, timed, identityOf({ ...named, operation: 'Update' }));
}

function isOf(entry: ManagerEntry, writer: Writer): boolean {
  return identityOf(entry) === identityOf({ ...writer, operation: 'Update' });
}

/** Sets metadata.managedFields of an object that a configuration was applied to. */
export function setApplied(
  registry: Registry,
  call: Call,
  write: { object: WithMeta; options: WriteOptions },
  entries: readonly ManagerEntry[],
): Ownership {
  const operation: ManagerOperation = 'Apply';
  const id = identityOf({ ...writerOf(registry, call, write.options), operation });
  return setOwners(registry, call, write.object, entries, id);
}

function withoutOwners(object: WithMeta): Ownership {
  delete object.metadata.managedFields;
  return { settle: (_object, _warnings) => undefined };
}

/** The managers so far: those that the client sent, if it changed them and may, else those that are stored. */
function entriesOf({ old, given, part }: OwnedWrite): readonly ManagerEntry[] {
  const stored = old?.metadata.managedFields;
  if (part !== '' || given === undefined || equalJson(given, stored)) return trustedEntries(stored);
  if (isReset(given)) return NO_ENTRIES;
  try {
    const entries = readEntries(given);
    return entries.length === 0 ? trustedEntries(stored) : entries;
  } catch (error) {
    if (error instanceof ApplyError) return trustedEntries(stored);
    throw error;
  }
}

/** What the write changes, in the request's version and in each that a manager has named its fields in. */
async function changesOf(
  registry: Registry,
  call: Call,
  { resource, object, old, part }: OwnedWrite,
  entries: readonly ManagerEntry[],
): Promise<Changes> {
  const versions = objectVersions(registry, resource);
  const scope = scopeOf(resource, part);
  const changes = new Map<string, ReturnType<typeof compareObjects> | 'unserved'>();
  for (const { apiVersion } of [call.resource, ...entries]) {
    if (changes.has(apiVersion)) continue;
    const type = versions.typeOf(apiVersion);
    if (type === undefined) {
      changes.set(apiVersion, 'unserved');
      continue;
    }
    const isStored = apiVersion === resource.apiVersion;
    const before =
      old === undefined || isStored ? (old ?? {}) : await versions.convert(old, resource.apiVersion, apiVersion);
    const after = isStored ? object : await versions.convert(object, resource.apiVersion, apiVersion);
    changes.set(apiVersion, compareObjects(type, before, after, scope));
  }
  return changes;
}

function setOwners(
  registry: Registry,
  call: Call,
  object: WithMeta,
  entries: readonly ManagerEntry[],
  writer: string,
): Ownership {
  const managedFields = writeEntries(entries);
  write(object, managedFields);
  return {
    settle(final, warnings) {
      const isOurs = final.metadata.managedFields === managedFields;
      const isKept = isOurs || !isSound(final, warnings);
      if (isKept && !isOurs) write(final, managedFields);
      const present = isKept ? entries : trustedEntries(final.metadata.managedFields);
      const settled = existing(registry, call, final, present, writer);
      if (settled !== undefined) write(final, settled);
    },
  };
}

function write(object: WithMeta, managedFields: unknown[] | undefined): void {
  if (managedFields === undefined) delete object.metadata.managedFields;
  else object.metadata.managedFields = managedFields;
}

/** Whether what admission has made of managedFields can be read. */
function isSound(object: WithMeta, warnings: Set<string>): boolean {
  try {
    readEntries(object.metadata.managedFields);
    return true;
  } catch (error) {
    if (!(error instanceof ApplyError)) throw error;
    warnings.add(
      `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${error.message}`,
    );
    return false;
  }
}

/** managedFields in which the writer owns nothing that the object does not have; undefined where that is so already. */
function existing(
  registry: Registry,
  call: Call,
  object: WithMeta,
  entries: readonly ManagerEntry[],
  writer: string,
): unknown[] | undefined {
  const own = entries.find((one) => identityOf(one) === writer);
  if (own?.fields === undefined) return undefined;
  // A definition's converter may be a webhook: it is not asked again only to see what is missing.
  const { custom } = call.resource.definition;
  if (custom !== undefined && object.apiVersion !== call.resource.apiVersion) return undefined;
  const fields = existingFields(
    mergeTypeOfResource(registry, call.resource),
    call.resource.alternate === undefined ? object : fromStorage(call.resource, object),
    own.fields,
  );
  if (fields === own.fields) return undefined;
  const others = entries.filter((one) => one !== own);
  return writeEntries(fields === undefined ? others : [...others, { ...own, fields }]);
}
