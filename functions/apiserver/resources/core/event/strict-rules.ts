import { invalid, required, type FieldError } from '../../../../../lib/api/field-errors.js';
import type { CoreV1Event } from '../../../../../lib/schema/generated/types.js';
import { semanticallyEqual } from '../../shared/equality.js';
import { FIELD_IS_IMMUTABLE } from '../../shared/formats.js';

const NEEDS_TO_BE_UNSET = 'needs to be unset';
const TYPES: readonly (string | undefined)[] = ['Normal', 'Warning'];

/** Of the stored object by its own names: the paths are those of the internal form, as in Kubernetes. */
const IMMUTABLE = [
  ['involvedObject', 'involvedObject'],
  ['reason', 'reason'],
  ['message', 'message'],
  ['source', 'source'],
  ['firstTimestamp', 'firstTimestamp'],
  ['lastTimestamp', 'lastTimestamp'],
  ['count', 'count'],
  ['type', 'type'],
  ['eventTime', 'eventTime'],
  ['action', 'action'],
  ['related', 'related'],
  ['reportingController', 'reportingComponent'],
  ['reportingInstance', 'reportingInstance'],
] as const;

/** What a new event of events.k8s.io/v1 must have and must leave to older clients. */
export function strictCreateErrors(event: CoreV1Event): FieldError[] {
  const { type = '', eventTime, firstTimestamp, lastTimestamp, count = 0, source } = event;
  return [
    ...seriesErrors(event),
    ...(isUnset(eventTime) ? [required('eventTime')] : []),
    ...(TYPES.includes(type) ? [] : [invalid('type', '', `has invalid value: ${type}`)]),
    ...(isUnset(firstTimestamp) ? [] : [invalid('firstTimestamp', '', NEEDS_TO_BE_UNSET)]),
    ...(isUnset(lastTimestamp) ? [] : [invalid('lastTimestamp', '', NEEDS_TO_BE_UNSET)]),
    ...(count === 0 ? [] : [invalid('count', '', NEEDS_TO_BE_UNSET)]),
    ...(source?.component || source?.host ? [invalid('source', '', NEEDS_TO_BE_UNSET)] : []),
  ];
}

/** An event tells of one thing: later only its series goes on. */
export function strictUpdateErrors(event: CoreV1Event, old: CoreV1Event): FieldError[] {
  return [
    ...(semanticallyEqual(event.series, old.series) ? [] : seriesErrors(event)),
    ...IMMUTABLE.flatMap(([field, name]) =>
      isUnset(event[name]) && isUnset(old[name])
        ? []
        : semanticallyEqual(event[name], old[name])
          ? []
          : [invalid(field, event[name] ?? null, FIELD_IS_IMMUTABLE)],
    ),
  ];
}

function seriesErrors({ series }: CoreV1Event): FieldError[] {
  if (series === undefined || series === null) return [];
  return [
    ...((series.count ?? 0) < 2 ? [invalid('series.count', '', 'should be at least 2')] : []),
    ...(isUnset(series.lastObservedTime) ? [required('series.lastObservedTime')] : []),
  ];
}

function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === '' || value === 0;
}
