import { badRequest, invalidError } from '../../../lib/api/errors.js';
import { forbidden, notSupported, required, type FieldError } from '../../../lib/api/field-errors.js';
import { validateFieldManager } from '../../../lib/api/validate-metadata.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { WriteOptions } from './context.js';

const META_GROUP = 'meta.k8s.io';
const FIELD_VALIDATIONS = ['Ignore', 'Strict', 'Warn'] as const;

const NO_OPTIONS: WriteOptions = { dryRun: false, fieldValidation: 'Warn', fieldManager: '', force: false };

/** The options of a create, update, patch or apply, checked in Kubernetes' words. */
export function readWriteOptions(
  query: URLSearchParams,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  isApply = false,
): WriteOptions {
  if (query.size === 0 && !isApply) return NO_OPTIONS;
  const errors: FieldError[] = [];
  const fieldManager = query.get('fieldManager') ?? '';
  if (isApply && fieldManager === '') errors.push(required('fieldManager', 'is required for apply patch'));
  if (kind === 'PatchOptions' && !isApply && query.has('force'))
    errors.push(forbidden('force', 'may not be specified for non-apply patch'));
  errors.push(...validateFieldManager(fieldManager));
  const dryRun = query.getAll('dryRun').filter((one) => one !== '');
  errors.push(...checkDryRun(dryRun));
  const fieldValidation = query.get('fieldValidation') ?? '';
  if (fieldValidation !== '' && !isFieldValidation(fieldValidation)) {
    errors.push(notSupported('fieldValidation', fieldValidation, FIELD_VALIDATIONS));
  }
  if (errors.length > 0) throw invalidError({ group: META_GROUP, kind }, '', errors);
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: isFieldValidation(fieldValidation) ? fieldValidation : 'Warn',
    fieldManager,
    force: isApply && readBoolean(query, 'force'),
  };
}

/** The options of a request as the object that webhooks and policies see. */
export function requestOptions(
  query: URLSearchParams,
  kind: 'CreateOptions' | 'UpdateOptions' | 'DeleteOptions',
  dryRun: boolean,
): KubernetesObject {
  const text = (name: string): Record<string, string> => {
    const value = query.get(name) ?? '';
    return value === '' ? {} : { [name]: value };
  };
  const options = {
    kind,
    apiVersion: `${META_GROUP}/v1`,
    ...(dryRun ? { dryRun: ['All'] } : {}),
    ...(kind === 'DeleteOptions' ? text('propagationPolicy') : { ...text('fieldManager'), ...text('fieldValidation') }),
  };
  return options;
}

function isFieldValidation(text: string): text is WriteOptions['fieldValidation'] {
  return (FIELD_VALIDATIONS as readonly string[]).includes(text);
}

/** dryRun knows one value, `All`. */
export function checkDryRun(values: readonly string[]): FieldError[] {
  const unknown = values.find((one) => one !== 'All');
  return unknown === undefined ? [] : [notSupported('dryRun', values, ['All'])];
}

export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  /** 0: no limit. */
  readonly limit: number;
  readonly continue: string;
  /** Undefined when unset; 0 is 'any'. */
  readonly resourceVersion: number | undefined;
  readonly resourceVersionMatch: '' | 'Exact' | 'NotOlderThan';
  readonly watch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
}

/** The options of a list or watch, checked in Kubernetes' words. */
export function readListOptions(query: URLSearchParams, watch: boolean): ListOptions {
  const match = query.get('resourceVersionMatch') ?? '';
  const version = query.get('resourceVersion') ?? '';
  const token = query.get('continue') ?? '';
  const sendInitialEvents = query.has('sendInitialEvents') ? readBoolean(query, 'sendInitialEvents') : undefined;
  const errors = checkVersionMatch({ match, version, token, sendInitialEvents, watch });
  if (errors.length > 0) throw invalidError({ group: META_GROUP, kind: 'ListOptions' }, '', errors);
  return {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: Math.max(0, readInteger(query, 'limit') ?? 0),
    continue: token,
    resourceVersion: version === '' ? undefined : readResourceVersion(version),
    resourceVersionMatch: match as ListOptions['resourceVersionMatch'],
    watch,
    allowWatchBookmarks: readBoolean(query, 'allowWatchBookmarks'),
    sendInitialEvents,
    timeoutSeconds: readInteger(query, 'timeoutSeconds'),
  };
}

function checkVersionMatch(options: {
  match: string;
  version: string;
  token: string;
  sendInitialEvents: boolean | undefined;
  watch: boolean;
}): FieldError[] {
  const { match, version, token, sendInitialEvents, watch } = options;
  const field = 'resourceVersionMatch';
  const errors: FieldError[] = [];
  if (watch) {
    if (sendInitialEvents !== undefined) {
      if (match !== 'NotOlderThan')
        errors.push(forbidden(field, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
      if (token !== '') errors.push(forbidden('continue', 'sendInitialEvents is forbidden when continue is provided'));
    } else if (match !== '') {
      errors.push(forbidden(field, `${field} is forbidden for watch unless sendInitialEvents is provided`));
    }
    return errors;
  }
  if (sendInitialEvents !== undefined)
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  if (match === '') return errors;
  if (version === '') errors.push(forbidden(field, `${field} is forbidden unless resourceVersion is provided`));
  if (token !== '') errors.push(forbidden(field, `${field} is forbidden when continue is provided`));
  if (match !== 'Exact' && match !== 'NotOlderThan')
    errors.push(notSupported(field, match, ['Exact', 'NotOlderThan', '']));
  if (match === 'Exact' && version === '0') {
    errors.push(forbidden(field, `${field} "Exact" is forbidden for resourceVersion "0"`));
  }
  return errors;
}

/** A resourceVersion as clients send it back. Throws 400 for what was never one. */
export function readResourceVersion(text: string): number {
  if (!/^[0-9]{1,20}$/.test(text)) {
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  }
  return Number(text);
}

/** A query parameter as Go's strconv reads it; present without a value counts as true, as Kubernetes reads `?watch`. */
export function readBoolean(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null) return false;
  return !['0', 'f', 'false'].includes(text.toLowerCase());
}

export function readInteger(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^[-+]?[0-9]{1,19}$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return Number(text);
}
