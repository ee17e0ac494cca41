import { invalid, required, type FieldError } from '../../../../../lib/api/field-errors.js';
import type { CoreV1Event } from '../../../../../lib/schema/generated/types.js';
import { defineKind, type HookContext } from '../../kind.js';
import { strictCreateErrors, strictUpdateErrors } from './strict-rules.js';
import { formatErrors, isDns1123Subdomain, isQualifiedName } from '../../shared/formats.js';
import { eventColumns } from './columns.js';
import { eventsV1 } from './events-v1.js';

const SHORT_FIELD_MAX = 128;
const NOTE_MAX = 1024;

export const event = defineKind<CoreV1Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  singular: 'event',
  shortNames: ['ev'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Event',
  alternates: [eventsV1],
  allowCreateOnUpdate: true,
  defaults: fillAlwaysThere,
  validate: validateEvent,
  validateCreate: (object, context) => (isStrict(context) ? strictCreateErrors(object) : []),
  validateUpdate: (object, old, context) => (isStrict(context) ? strictUpdateErrors(object, old) : []),
  columns: eventColumns,
  fieldLabels: {
    ...aboutLabels('involvedObject'),
    // As events.k8s.io/v1 calls them.
    ...aboutLabels('regarding'),
    reportingController: ({ reportingComponent }) => reportingComponent ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => source?.component || (reportingComponent ?? ''),
    type: ({ type }) => type ?? '',
  },
});

/** Whoever writes in the newer version keeps to its rules; the older one takes what it always took. */
function isStrict({ served }: HookContext): boolean {
  return served?.group === eventsV1.group;
}

/** What Go's struct always writes, in both versions: an event that is read and put back in the other version stays the same. */
function fillAlwaysThere(object: CoreV1Event): void {
  object.source ??= {};
  object.reportingComponent ??= '';
  object.reportingInstance ??= '';
}

/** Selectable fields of the object that an event is about. */
function aboutLabels(prefix: string): Record<string, (object: CoreV1Event) => string> {
  const fields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const;
  return Object.fromEntries(
    fields.map((field) => [`${prefix}.${field}`, (object: CoreV1Event) => object.involvedObject?.[field] ?? '']),
  );
}

/** Events of old have no `eventTime`; those with one must say who reports what. */
function validateEvent(object: CoreV1Event): FieldError[] {
  const namespace = object.metadata?.namespace ?? '';
  const involved = object.involvedObject?.namespace ?? '';
  const mismatch = invalid('involvedObject.namespace', involved, 'does not match event.namespace');
  const errors: FieldError[] = [];
  if (object.eventTime === undefined || object.eventTime === null) {
    const matches = involved === '' ? namespace === '' || namespace === 'default' : namespace === involved;
    if (!matches) errors.push(mismatch);
  } else {
    if (involved === '' && namespace !== 'default' && namespace !== 'kube-system') errors.push(mismatch);
    const controller = object.reportingComponent ?? '';
    if (controller === '') errors.push(required('reportingController'));
    errors.push(...formatErrors('reportingController', controller, isQualifiedName));
    for (const field of ['reportingInstance', 'action', 'reason'] as const) {
      const value = object[field] ?? '';
      if (value === '') errors.push(required(field));
      errors.push(...lengthErrors(field, value, SHORT_FIELD_MAX));
    }
    errors.push(...lengthErrors('message', object.message ?? '', NOTE_MAX));
  }
  return [...errors, ...formatErrors('namespace', namespace, isDns1123Subdomain)];
}

function lengthErrors(field: string, value: string, max: number): FieldError[] {
  return Buffer.byteLength(value) > max ? [invalid(field, '', `can have at most ${max} characters`)] : [];
}
