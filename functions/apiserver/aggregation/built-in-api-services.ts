import { apiVersionOf } from '../../../lib/api/meta.js';
import type { V1APIService } from '../../../lib/schema/generated/types.js';

/** Whose groups these are not: the aggregator's own, as in Kubernetes. */
const OWN_GROUP = 'apiregistration.k8s.io';

/** Places of groups in the order of discovery, as Kubernetes gives them. */
const GROUP_PRIORITIES: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'resource.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  // As metrics-server registers it: behind every other, so that `pods` and `nodes` are never these.
  'metrics.k8s.io': 100,
};

const GROUP_PRIORITY_DEFAULT = 16_000;
const VERSION_PRIORITY = 15;
/** Of groups with several versions, the preferred one stands first. */
const VERSION_PRIORITIES: Readonly<Record<string, number>> = {
  v1: 1,
  'autoscaling/v2': 30,
  'flowcontrol.apiserver.k8s.io/v1': 21,
  'metrics.k8s.io/v1beta1': 100,
};

export const AUTOMANAGED_LABEL = 'kube-aggregator.kubernetes.io/automanaged';

/** The APIServices of what this server serves itself. They are made when they are missing, and otherwise left alone. */
export function builtInApiServices(
  served: Iterable<{ readonly group: string; readonly version: string }>,
): V1APIService[] {
  const found = new Map<string, V1APIService>();
  for (const { group, version } of served) {
    const name = `${version}.${group}`;
    if (group === OWN_GROUP || found.has(name)) continue;
    found.set(name, {
      metadata: { name, labels: { [AUTOMANAGED_LABEL]: 'onstart' } },
      spec: {
        group,
        version,
        groupPriorityMinimum: GROUP_PRIORITIES[group] ?? GROUP_PRIORITY_DEFAULT,
        versionPriority: VERSION_PRIORITIES[apiVersionOf(group, version)] ?? VERSION_PRIORITY,
      },
    });
  }
  return [...found.values()];
}
