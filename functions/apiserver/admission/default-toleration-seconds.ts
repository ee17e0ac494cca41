import type { V1Pod, V1Toleration } from '../../../lib/schema/generated/types.js';
import type { AdmissionPlugin } from './plugin.js';
import { concerns } from './refusal.js';

/** How long pods stay on a node that is not ready or does not answer, unless they say otherwise. */
export interface TolerationDefaults {
  notReadySeconds: number;
  unreachableSeconds: number;
}

/** Kubernetes' own: five minutes. */
export const TOLERATION_DEFAULTS: TolerationDefaults = { notReadySeconds: 300, unreachableSeconds: 300 };

export function defaultTolerationSeconds(defaults: TolerationDefaults): AdmissionPlugin {
  const added: readonly { key: string; tolerationSeconds: number }[] = [
    { key: 'node.kubernetes.io/not-ready', tolerationSeconds: defaults.notReadySeconds },
    { key: 'node.kubernetes.io/unreachable', tolerationSeconds: defaults.unreachableSeconds },
  ];
  return {
    name: 'DefaultTolerationSeconds',
    async mutate(attributes) {
      const { operation } = attributes;
      if ((operation !== 'CREATE' && operation !== 'UPDATE') || !concerns(attributes, 'pods')) return;
      const spec = (attributes.object as V1Pod | undefined)?.spec;
      if (spec === undefined) return;
      const given = spec.tolerations ?? [];
      const missing = added.filter(({ key }) => !given.some((toleration) => tolerates(toleration, key)));
      if (missing.length === 0) return;
      spec.tolerations = [
        ...given,
        ...missing.map(({ key, tolerationSeconds }) => ({
          key,
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds,
        })),
      ];
    },
  };
}

/** Whatever its value and time: it speaks of this taint's eviction. */
function tolerates({ key = '', effect = '' }: V1Toleration, taint: string): boolean {
  return (key === '' || key === taint) && (effect === '' || effect === 'NoExecute');
}
