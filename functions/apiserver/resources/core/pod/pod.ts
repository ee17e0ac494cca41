import { forbidden, type FieldError } from '../../../../../lib/api/field-errors.js';
import type { V1Pod, V1PodSpec } from '../../../../../lib/schema/generated/types.js';
import { defineKind } from '../../kind.js';
import { isDns1123Label } from '../../shared/formats.js';
import { validatePodAnnotations } from '../../shared/pod-spec/annotations.js';
import { defaultPodOnly, defaultPodSpec } from '../../shared/pod-spec/defaults.js';
import { validatePodSpec } from '../../shared/pod-spec/validate.js';
import { podSpecWarnings } from '../../shared/pod-spec/warnings.js';
import { CONNECT_VERBS, PROXY_SUBRESOURCE } from '../../shared/subresources.js';
import { podColumns } from './columns.js';
import { preparePod, preparePodStatus, preparePodUpdate } from './prepare.js';
import {
  validateEphemeralContainersUpdate,
  validatePodResize,
  validatePodStatusUpdate,
} from './validate-subresources.js';
import { validatePodUpdate } from './validate-update.js';

const EMPTY: V1PodSpec = { containers: [] };

export const pod = defineKind<V1Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  definition: 'io.k8s.api.core.v1.Pod',
  hasStatus: true,
  hasGeneration: true,
  subresources: [
    { name: 'attach', verbs: CONNECT_VERBS },
    {
      name: 'binding',
      verbs: ['create'],
      bodyKind: { group: '', version: 'v1', kind: 'Binding', definition: 'io.k8s.api.core.v1.Binding' },
    },
    { name: 'ephemeralcontainers', verbs: ['get', 'patch', 'update'] },
    {
      name: 'eviction',
      verbs: ['create'],
      bodyKind: { group: 'policy', version: 'v1', kind: 'Eviction', definition: 'io.k8s.api.policy.v1.Eviction' },
    },
    { name: 'exec', verbs: CONNECT_VERBS },
    { name: 'log', verbs: ['get'] },
    { name: 'portforward', verbs: CONNECT_VERBS },
    PROXY_SUBRESOURCE,
    { name: 'resize', verbs: ['get', 'patch', 'update'] },
  ],
  returnsDeletedObject: true,
  graceful: { gracePeriodSeconds: gracePeriodSecondsOf },
  defaults(object) {
    const spec = (object.spec ??= { containers: [] });
    defaultPodSpec(spec);
    defaultPodOnly(spec);
    syncPodIps(object.status);
  },
  prepareForCreate: preparePod,
  prepareForUpdate: (object, old, context) => preparePodUpdate(object, old, context.subresource),
  prepareForStatusUpdate: preparePodStatus,
  validate: validatePod,
  validateUpdate(object, old, context) {
    if (context.subresource === 'ephemeralcontainers') return validateEphemeralContainersUpdate(object, old);
    if (context.subresource === 'resize') return validatePodResize(object, old);
    return validatePodUpdate(object, old);
  },
  validateStatusUpdate: validatePodStatusUpdate,
  validateCreate: validateNewPod,
  warnings(object, old) {
    // Pods are rarely updated by people, often by machines: only creates are looked at.
    if (old !== undefined) return [];
    const messages = isDns1123Label(object.metadata?.name ?? '');
    const name =
      messages.length === 0
        ? []
        : [
            `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${messages.join(' ')}]`,
          ];
    return [...name, ...podSpecWarnings(object.spec ?? EMPTY, object.metadata, '')];
  },
  columns: podColumns,
  fieldLabels: {
    'spec.nodeName': (object) => object.spec?.nodeName ?? '',
    'spec.restartPolicy': (object) => object.spec?.restartPolicy ?? '',
    'spec.schedulerName': (object) => object.spec?.schedulerName ?? '',
    'spec.serviceAccountName': (object) => object.spec?.serviceAccountName ?? '',
    'spec.hostNetwork': (object) => String(object.spec?.hostNetwork ?? false),
    'status.phase': (object) => object.status?.phase ?? '',
    'status.podIP': (object) => object.status?.podIPs?.[0]?.ip ?? object.status?.podIP ?? '',
    'status.podIPs': (object) => object.status?.podIPs?.[0]?.ip ?? object.status?.podIP ?? '',
    'status.nominatedNodeName': (object) => object.status?.nominatedNodeName ?? '',
  },
});

/** What holds for every pod, whoever writes it. Expects defaults to be filled in. */
export function validatePod(object: V1Pod): FieldError[] {
  const spec = object.spec ?? EMPTY;
  const errors = validatePodAnnotations(object.metadata?.annotations, spec, 'metadata.annotations');
  errors.push(...validatePodSpec(spec, 'spec', { resourceIsPod: true, podName: object.metadata?.name }));
  if ((spec.serviceAccountName ?? '') !== '') return errors;
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    for (const [sourceIndex, source] of (volume.projected?.sources ?? []).entries()) {
      if (source.serviceAccountToken === undefined) continue;
      const field = `spec.volumes[${index}].projected.sources[${sourceIndex}].serviceAccountToken`;
      errors.push(forbidden(field, 'must not be specified when serviceAccountName is not set'));
    }
  }
  return errors;
}

/** What holds for a pod that is new. */
export function validateNewPod(object: V1Pod): FieldError[] {
  const spec = object.spec ?? EMPTY;
  const errors: FieldError[] = [];
  if ((spec.ephemeralContainers ?? []).length > 0) {
    errors.push(forbidden('spec.ephemeralContainers', 'cannot be set on create'));
  }
  if ((spec.nodeName ?? '') !== '' && (spec.schedulingGates ?? []).length > 0) {
    errors.push(forbidden('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  }
  return errors;
}

/** Pods that no kubelet has to end are deleted at once. */
function gracePeriodSecondsOf(object: V1Pod, asked: number | undefined): number {
  const { phase } = object.status ?? {};
  if ((object.spec?.nodeName ?? '') === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
  const seconds = asked ?? object.spec?.terminationGracePeriodSeconds ?? 0;
  return seconds < 0 ? 1 : seconds;
}

/** `podIP` is the first of `podIPs`, and wins when both are given and differ. */
function syncPodIps(status: V1Pod['status']): void {
  if (status === undefined) return;
  const { podIP = '', podIPs = [] } = status;
  if (podIP !== '' && podIPs[0]?.ip !== podIP) status.podIPs = [{ ip: podIP }];
  else if (podIP === '' && podIPs[0] !== undefined) status.podIP = podIPs[0].ip;
}
