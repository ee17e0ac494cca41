import type { KubernetesObject } from '../../../../../lib/api/meta.js';
import type { CoreV1Event, EventsV1Event } from '../../../../../lib/schema/generated/types.js';
import type { AlternateVersion } from '../../kind.js';

/**
 * events.k8s.io/v1 Event over the stored core Event: the same facts under other names
 * (regarding for involvedObject, note for message, reportingController for reportingComponent, deprecated* for the rest).
 */
export const eventsV1: AlternateVersion = {
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  definition: 'io.k8s.api.events.v1.Event',
  toStorage(object: KubernetesObject): KubernetesObject {
    return toCore(object as EventsV1Event);
  },
  fromStorage(object: KubernetesObject): KubernetesObject {
    return fromCore(object as CoreV1Event);
  },
};

function toCore(event: EventsV1Event): CoreV1Event {
  const {
    regarding,
    note,
    reportingController,
    deprecatedSource,
    deprecatedFirstTimestamp,
    deprecatedLastTimestamp,
    deprecatedCount,
    ...same
  } = event;
  return withoutUndefined({
    ...same,
    apiVersion: 'v1',
    involvedObject: regarding ?? {},
    message: note,
    reportingComponent: reportingController ?? '',
    reportingInstance: event.reportingInstance ?? '',
    source: deprecatedSource ?? {},
    firstTimestamp: deprecatedFirstTimestamp ?? undefined,
    lastTimestamp: deprecatedLastTimestamp ?? undefined,
    count: deprecatedCount,
  }) as unknown as CoreV1Event;
}

function fromCore(event: CoreV1Event): EventsV1Event {
  const {
    involvedObject,
    message,
    reportingComponent,
    source,
    firstTimestamp,
    lastTimestamp,
    count,
    reportingInstance,
    eventTime,
    ...same
  } = event;
  return withoutUndefined({
    ...same,
    apiVersion: 'events.k8s.io/v1',
    eventTime: eventTime ?? null,
    regarding: involvedObject,
    note: message,
    reportingController: emptyToUndefined(reportingComponent),
    reportingInstance: emptyToUndefined(reportingInstance),
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp ?? null,
    deprecatedLastTimestamp: lastTimestamp ?? null,
    deprecatedCount: count,
  }) as unknown as EventsV1Event;
}

function emptyToUndefined(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function withoutUndefined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
