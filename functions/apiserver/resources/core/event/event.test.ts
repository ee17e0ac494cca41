import { describe, expect, test } from 'vitest';
import type { CoreV1Event, EventsV1Event } from '../../../../../lib/schema/generated/types.js';
import { kindTester } from '../../testing/kind-tester.js';
import { event } from './event.js';
import { eventsV1 } from './events-v1.js';

const tester = kindTester<CoreV1Event>(event);
const OLD = {
  metadata: { name: 'web.1', namespace: 'default' },
  involvedObject: { kind: 'Pod', name: 'web', namespace: 'default', fieldPath: 'spec.containers{web}' },
  reason: 'Pulled',
  message: 'done\n',
  type: 'Normal',
  source: { component: 'kubelet', host: 'n1' },
  firstTimestamp: '2026-01-01T00:00:00Z',
  lastTimestamp: '2026-01-01T00:04:00Z',
  count: 3,
};
const NEW: EventsV1Event = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name: 'web.2', namespace: 'default' },
  eventTime: '2026-01-01T00:00:00.000000Z',
  reportingController: 'example.com/scheduler',
  reportingInstance: 'one',
  action: 'Binding',
  reason: 'Scheduled',
  regarding: { kind: 'Pod', name: 'web', namespace: 'default' },
  note: 'bound',
  type: 'Normal',
};

describe('one event in two versions', () => {
  test('survives the way there and back', () => {
    const stored = eventsV1.toStorage(structuredClone(NEW)) as CoreV1Event;
    expect(stored).toMatchObject({
      involvedObject: { name: 'web' },
      message: 'bound',
      reportingComponent: 'example.com/scheduler',
    });
    expect(stored).not.toHaveProperty('regarding');
    expect(eventsV1.fromStorage(stored)).toMatchObject(NEW);
  });

  test('an old event is served with its deprecated fields', () => {
    const object = tester.decode(OLD);
    const before = structuredClone(object);
    expect(eventsV1.fromStorage(object)).toMatchObject({
      regarding: { name: 'web' },
      note: 'done\n',
      deprecatedCount: 3,
      deprecatedSource: { component: 'kubelet', host: 'n1' },
      deprecatedLastTimestamp: '2026-01-01T00:04:00Z',
      eventTime: null,
    });
    expect(object).toEqual(before);
  });
});

test('validation', () => {
  expect(tester.createErrors(OLD)).toEqual([]);
  expect(tester.createErrors({ ...OLD, involvedObject: { namespace: 'other' } })).toEqual([
    'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
  ]);
  const stored = eventsV1.toStorage(structuredClone({ ...NEW, action: undefined, reportingController: undefined }));
  expect(tester.createErrors(stored)).toEqual(
    expect.arrayContaining(['reportingController: Required value', 'action: Required value']),
  );
});

test('columns', () => {
  const now = Date.parse('2026-01-01T00:05:00Z');
  expect(tester.cells(OLD, now)).toEqual({
    'Last Seen': '60s',
    Type: 'Normal',
    Reason: 'Pulled',
    Object: 'pod/web',
    Subobject: 'spec.containers{web}',
    Source: 'kubelet, n1',
    Message: 'done',
    'First Seen': '5m',
    Count: 3,
    Name: 'web.1',
  });
  const series = eventsV1.toStorage(
    structuredClone({ ...NEW, series: { count: 7, lastObservedTime: '2026-01-01T00:04:30.000000Z' } }),
  );
  expect(tester.cells(series, now)).toMatchObject({
    'Last Seen': '30s',
    Count: 7,
    Source: 'example.com/scheduler, one',
  });
});

test('field labels', () => {
  const object = tester.decode(OLD);
  expect(event.fieldLabels!['involvedObject.name']!(object)).toBe('web');
  expect(event.fieldLabels!['source']!(object)).toBe('kubelet');
});
