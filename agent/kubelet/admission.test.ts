import { expect, it } from 'vitest';
import type { V1Node, V1Pod } from '../../lib/schema/generated/types.js';
import { admitPod } from './admission.js';

const node: V1Node = {
  metadata: { name: 'here', labels: { disk: 'ssd' } },
  spec: {
    taints: [
      { key: 'gone', effect: 'NoExecute' },
      { key: 'busy', effect: 'NoSchedule' },
    ],
  },
  status: { allocatable: { cpu: '2', memory: '1Gi', pods: '2' } },
};

const pod = (spec: Partial<NonNullable<V1Pod['spec']>> = {}, container: object = {}): V1Pod => ({
  metadata: { name: 'pod' },
  spec: {
    tolerations: [{ key: 'gone', operator: 'Exists', tolerationSeconds: 10 }],
    containers: [{ name: 'main', ...container }],
    ...spec,
  },
});

const cpu = (amount: string): object => ({ resources: { requests: { cpu: amount } } });

it('a pod that fits is taken, whatever keeps others from being scheduled here', () => {
  expect(admitPod(pod({}, cpu('2')), node, [])).toBeUndefined();
});

it.each([
  ['NodeAffinity', pod({ nodeSelector: { disk: 'tape' } }), "node(s) didn't match Pod's node affinity/selector"],
  ['NodePorts', pod({}, { ports: [{ containerPort: 1, hostPort: 80 }] }), "node(s) didn't have free ports"],
  ['TaintToleration', pod({ tolerations: [] }), "node(s) had taints that the pod didn't tolerate"],
  [
    'TaintToleration',
    pod({ tolerations: [{ key: 'gone', operator: 'Exists', effect: 'NoSchedule' }] }),
    "node(s) had taints that the pod didn't tolerate",
  ],
  [
    'SysctlForbidden',
    pod({ securityContext: { sysctls: [{ name: 'kernel.msgmax', value: '1' }] } }),
    'forbidden sysctl',
  ],
  ['OutOfcpu', pod({}, cpu('1500m')), 'resource: cpu, requested: 1500, used: 1000, capacity: 2000'],
  ['OutOfmemory', pod({}, { resources: { requests: { memory: '2Gi' } } }), 'resource: memory'],
  ['OutOfexample.com/gpu', pod({}, { resources: { requests: { 'example.com/gpu': '1' } } }), 'capacity: 0'],
])('%s: a pod that cannot be here is rejected in the kubelet’s words', (reason, refused, message) => {
  const other = pod({}, { ...cpu('1'), ports: [{ containerPort: 1, hostPort: 80, hostIP: '127.0.0.1' }] });
  const rejection = admitPod(refused, node, [other]);
  expect(rejection?.reason).toBe(reason);
  expect(rejection?.message).toMatch(/^Pod was rejected: /);
  expect(rejection?.message).toContain(message);
});

it('OutOfpods: the node has as many as it may', () => {
  expect(admitPod(pod(), node, [pod(), pod()])).toMatchObject({ reason: 'OutOfpods' });
});
