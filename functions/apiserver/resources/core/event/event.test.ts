import { testServer } from '../../../registry/test-server.js';
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

test('the newer version is strict, the older takes what it always took', async () => {
  const { request } = testServer();
  const events = '/apis/events.k8s.io/v1/namespaces/default/events';
  const event = {
    metadata: { name: 'strict' },
    eventTime: '2026-01-02T03:04:05.000006Z',
    reportingController: 'example.com/test',
    reportingInstance: 'test-1',
    action: 'Do',
    reason: 'Test',
    type: 'Normal',
    regarding: { kind: 'Pod', name: 'x', namespace: 'default' },
  };
  const bad = await request('POST', events, { ...event, type: 'Odd', deprecatedCount: 3, series: { count: 1 } });
  expect(bad.json.details.causes).toEqual(
    expect.arrayContaining([
      { reason: 'FieldValueInvalid', field: 'type', message: 'Invalid value: "": has invalid value: Odd' },
      { reason: 'FieldValueInvalid', field: 'count', message: 'Invalid value: "": needs to be unset' },
      { reason: 'FieldValueInvalid', field: 'series.count', message: 'Invalid value: "": should be at least 2' },
    ]),
  );
  const made = (await request('POST', events, event)).json;
  const changed = await request('PUT', `${events}/strict`, { ...made, reason: 'Other' });
  expect(changed.json.details.causes).toEqual([
    { reason: 'FieldValueInvalid', field: 'reason', message: 'Invalid value: "Other": field is immutable' },
  ]);
  const series = { count: 2, lastObservedTime: '2026-01-02T03:04:06.000006Z' };
  expect((await request('PUT', `${events}/strict`, { ...made, series })).status).toBe(200);
  const old = (await request('GET', '/api/v1/namespaces/default/events/strict')).json;
  expect((await request('PUT', '/api/v1/namespaces/default/events/strict', { ...old, reason: 'Other' })).status).toBe(
    200,
  );
});
