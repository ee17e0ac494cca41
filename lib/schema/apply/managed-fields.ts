import { isJsonObject } from '../../json/path.js';
import { ApplyError } from './errors.js';
import { readFieldSet, union, type FieldSet } from './field-set.js';
import { compareText } from './path-element.js';

export type ManagerOperation = 'Apply' | 'Update';

/** What one manager owns of an object: an entry of metadata.managedFields. Never changed once made. */
export interface ManagerEntry {
  readonly manager: string;
  readonly operation: ManagerOperation;
  /** The version whose fields the set names. */
  readonly apiVersion: string;
  /** '' for the object itself. */
  readonly subresource: string;
  /** When the manager last changed the object, as in JSON; undefined where that is not known. */
  readonly time: string | undefined;
  readonly fields: FieldSet | undefined;
}

const FIELDS_TYPE = 'FieldsV1';

/** Entries of one identity are one manager. An applier stays itself when it goes over to another version. */
export function identityOf(entry: Pick<ManagerEntry, 'manager' | 'operation' | 'apiVersion' | 'subresource'>): string {
  const version = entry.operation === 'Apply' ? '' : entry.apiVersion;
  return `${entry.operation}\n${entry.subresource}\n${version}\n${entry.manager}`;
}

/** The entries of metadata.managedFields that we have written ourselves. */
export function trustedEntries(managedFields: readonly unknown[] | undefined): ManagerEntry[] {
  return (managedFields ?? []).map((one) => {
    const entry = one as Partial<Record<string, string>> & { fieldsV1?: FieldSet };
    return {
      manager: entry['manager'] ?? '',
      operation: entry['operation'] as ManagerOperation,
      apiVersion: entry['apiVersion'] ?? '',
      subresource: entry['subresource'] ?? '',
      time: entry['time'],
      fields: isEmpty(entry.fieldsV1) ? undefined : entry.fieldsV1,
    };
  });
}

function isEmpty(fields: FieldSet | undefined): boolean {
  for (const element in fields) return element === undefined;
  return true;
}

/** The entries of metadata.managedFields as a client wrote them; of one identity the last counts. Throws `ApplyError`. */
export function readEntries(managedFields: readonly unknown[] | undefined): ManagerEntry[] {
  const entries = new Map<string, ManagerEntry>();
  for (const [index, one] of (managedFields ?? []).entries()) {
    const entry = readEntry(one, index);
    entries.set(identityOf(entry), entry);
  }
  return [...entries.values()];
}

function readEntry(given: unknown, index: number): ManagerEntry {
  const entry = isJsonObject(given) ? given : {};
  const { operation } = entry;
  if (operation !== 'Apply' && operation !== 'Update') {
    throw new ApplyError('BadManagedFields', 'operation must be `Apply` or `Update`');
  }
  const apiVersion = text(entry['apiVersion']);
  if (apiVersion === '') throw new ApplyError('BadManagedFields', 'apiVersion must not be empty');
  const type = text(entry['fieldsType']);
  if (type === '') throw new ApplyError('BadManagedFields', `missing fieldsType in managed fields entry ${index}`);
  if (type !== FIELDS_TYPE) {
    throw new ApplyError(
      'BadManagedFields',
      `invalid fieldsType ${JSON.stringify(type)} in managed fields entry ${index}`,
    );
  }
  const { time } = entry;
  return {
    manager: text(entry['manager']),
    operation,
    apiVersion,
    subresource: text(entry['subresource']),
    time: typeof time === 'string' ? time : undefined,
    fields: readFieldSet(entry['fieldsV1']),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** metadata.managedFields of these entries, in Kubernetes' order; undefined where there are none. */
export function writeEntries(entries: readonly ManagerEntry[]): unknown[] | undefined {
  if (entries.length === 0) return undefined;
  return entries.toSorted(compareEntries).map((entry) => ({
    ...(entry.manager === '' ? {} : { manager: entry.manager }),
    operation: entry.operation,
    apiVersion: entry.apiVersion,
    ...(entry.time === undefined ? {} : { time: entry.time }),
    fieldsType: FIELDS_TYPE,
    fieldsV1: entry.fields ?? {},
    ...(entry.subresource === '' ? {} : { subresource: entry.subresource }),
  }));
}

function compareEntries(left: ManagerEntry, right: ManagerEntry): number {
  return (
    compareText(left.operation, right.operation) ||
    secondsOf(left) - secondsOf(right) ||
    compareText(left.manager, right.manager) ||
    compareText(left.apiVersion, right.apiVersion) ||
    compareText(left.subresource, right.subresource)
  );
}

function secondsOf({ time }: ManagerEntry): number {
  const ms = time === undefined ? 0 : Date.parse(time);
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000);
}

/** A list that is empty, or of one empty entry, asks for all entries to be taken away. */
export function isReset(managedFields: readonly unknown[] | undefined): boolean {
  if (managedFields === undefined) return false;
  if (managedFields.length === 0) return true;
  const [first] = managedFields;
  return (
    managedFields.length === 1 && isJsonObject(first) && Object.values(first).every((value) => value === undefined)
  );
}

/** Managers that update are kept apart up to this number; older ones are merged above it. */
const UPDATE_MANAGERS_MAX = 10;
const ANCIENT = 'ancient-changes';

/** The entries with the oldest updates merged into one of each version, as far as there are more than may be. */
export function capEntries(entries: readonly ManagerEntry[]): readonly ManagerEntry[] {
  const updates = entries.filter(({ operation }) => operation === 'Update');
  if (updates.length <= UPDATE_MANAGERS_MAX) return entries;
  updates.sort((left, right) => secondsOf(left) - secondsOf(right) || compareText(identityOf(left), identityOf(right)));
  const result = new Map(entries.map((entry) => [identityOf(entry), entry]));
  const firstOfVersion = new Map<string, ManagerEntry>();
  let count = updates.length;
  for (const entry of updates) {
    if (count <= UPDATE_MANAGERS_MAX) break;
    const first = firstOfVersion.get(entry.apiVersion);
    if (first === undefined) {
      firstOfVersion.set(entry.apiVersion, entry);
      continue;
    }
    count -= mergeIntoBucket(result, first, entry);
  }
  return [...result.values()];
}

function mergeIntoBucket(result: Map<string, ManagerEntry>, first: ManagerEntry, entry: ManagerEntry): number {
  const empty: ManagerEntry = { ...entry, manager: ANCIENT, subresource: '', fields: undefined };
  const id = identityOf(empty);
  if (!result.has(id)) {
    result.delete(identityOf(first));
    result.set(id, { ...empty, fields: first.fields });
  }
  if (identityOf(entry) === id) return 0;
  const bucket = result.get(id) as ManagerEntry;
  result.set(id, { ...bucket, time: entry.time, fields: union(bucket.fields, entry.fields) });
  result.delete(identityOf(entry));
  return 1;
}
