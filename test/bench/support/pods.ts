import type { V1Pod } from '../../../lib/schema/generated/types.js';

/** A pod as a small deployment makes it. */
export function benchPod(name: string, spec: Partial<V1Pod['spec']> = {}): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name, labels: { app: 'bench' } },
    spec: {
      containers: [
        { name: 'c', image: 'registry.example/app:1', resources: { requests: { cpu: '100m', memory: '128Mi' } } },
      ],
      ...spec,
    },
  };
}

/** Pods of this scheduler stay what they are: nothing but the API server has to do with them. */
export const NO_SCHEDULER = 'nobody';
