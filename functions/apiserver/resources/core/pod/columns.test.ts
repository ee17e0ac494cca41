import { describe, expect, test } from 'vitest';
import type { V1Container, V1Pod } from '../../../../../lib/schema/generated/types.js';
import { kindTester } from '../../testing/kind-tester.js';
import { pod } from './pod.js';

const tester = kindTester<V1Pod>(pod);
const CONTAINER: V1Container = { name: 'web', image: 'nginx:1.27' };

describe('columns', () => {
  const now = Date.parse('2026-01-01T00:10:00Z');
  const state = (name: string, more: object): object => ({
    name,
    ready: false,
    restartCount: 0,
    image: '',
    imageID: '',
    ...more,
  });
  const cellsOf = (status: object, spec: object = {}, metadata: object = {}) =>
    tester.cells(
      {
        metadata: { name: 'web', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
        spec: { containers: [CONTAINER], ...spec },
        status,
      },
      now,
    );

  test('of a running pod', () => {
    const running = state('web', {
      ready: true,
      restartCount: 2,
      state: { running: {} },
      lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:05:00Z' } },
    });
    expect(
      cellsOf({ phase: 'Running', podIPs: [{ ip: '10.244.0.7' }], containerStatuses: [running] }, { nodeName: 'n1' }),
    ).toEqual({
      Ready: '1/1',
      Status: 'Running',
      Restarts: '2 (5m ago)',
      Age: '10m',
      IP: '10.244.0.7',
      Node: 'n1',
      'Nominated Node': '<none>',
      'Readiness Gates': '<none>',
    });
  });

  test.each([
    ['Pending', { phase: 'Pending' }],
    [
      'CrashLoopBackOff',
      { phase: 'Running', containerStatuses: [state('web', { state: { waiting: { reason: 'CrashLoopBackOff' } } })] },
    ],
    [
      'Completed',
      {
        phase: 'Succeeded',
        containerStatuses: [state('web', { state: { terminated: { reason: 'Completed', exitCode: 0 } } })],
      },
    ],
    ['ExitCode:3', { phase: 'Failed', containerStatuses: [state('web', { state: { terminated: { exitCode: 3 } } })] }],
    [
      'Signal:9',
      { phase: 'Failed', containerStatuses: [state('web', { state: { terminated: { exitCode: 137, signal: 9 } } })] },
    ],
    ['Evicted', { phase: 'Failed', reason: 'Evicted' }],
    [
      'SchedulingGated',
      { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
    ],
  ])('status %s', (text, status) => {
    expect(cellsOf(status)['Status']).toBe(text);
  });

  test('of init containers', () => {
    const spec = {
      initContainers: [
        { name: 'one', image: 'x' },
        { name: 'two', image: 'x' },
      ],
    };
    const done = state('one', { state: { terminated: { exitCode: 0 } } });
    const waiting = { phase: 'Pending', initContainerStatuses: [done, state('two', { state: { waiting: {} } })] };
    expect(cellsOf(waiting, spec)['Status']).toBe('Init:1/2');
    const failed = {
      phase: 'Pending',
      initContainerStatuses: [state('one', { state: { terminated: { exitCode: 1, reason: 'Error' } } })],
    };
    expect(cellsOf(failed, spec)['Status']).toBe('Init:Error');
  });

  test('sidecars count as containers', () => {
    const spec = { initContainers: [{ name: 'proxy', image: 'x', restartPolicy: 'Always' }] };
    const status = {
      phase: 'Running',
      initContainerStatuses: [state('proxy', { ready: true, started: true, state: { running: {} } })],
      containerStatuses: [state('web', { ready: true, state: { running: {} } })],
    };
    expect(cellsOf(status, spec)).toMatchObject({ Ready: '2/2', Status: 'Running' });
  });

  test('of a pod that is being deleted', () => {
    const metadata = { deletionTimestamp: '2026-01-01T00:09:00Z' };
    expect(cellsOf({ phase: 'Running' }, {}, metadata)['Status']).toBe('Terminating');
    expect(cellsOf({ phase: 'Running', reason: 'NodeLost' }, {}, metadata)['Status']).toBe('Unknown');
    expect(cellsOf({ phase: 'Succeeded' }, {}, metadata)['Status']).toBe('Succeeded');
  });
});
