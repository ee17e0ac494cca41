import { duplicate, forbidden, invalid, type FieldError } from '../../../../../lib/api/field-errors.js';
import type { V1Container, V1ContainerStatus, V1Pod, V1PodSpec } from '../../../../../lib/schema/generated/types.js';
import { semanticallyEqual } from '../../shared/equality.js';
import { formatErrors, isDns1123Subdomain, isQualifiedName } from '../../shared/formats.js';
import { ipErrors, isDualStackPair } from '../../shared/ip-addresses.js';
import { MIRROR_POD_ANNOTATION } from '../../shared/pod-spec/annotations.js';
import { unifiedDiff } from '../../shared/unified-diff.js';
import { qosClassOf, recordedQosClass } from './qos.js';
import { validateAnnotationUpdate } from './validate-update.js';

const EMPTY: V1PodSpec = { containers: [] };
const SYSTEM_CONDITIONS: ReadonlySet<string> = new Set(['PodScheduled', 'Ready', 'Initialized']);

/** Ephemeral containers are added, never changed or removed. */
export function validateEphemeralContainersUpdate(pod: V1Pod, old: V1Pod): FieldError[] {
  const path = 'spec.ephemeralContainers';
  if (old.metadata?.annotations?.[MIRROR_POD_ANNOTATION] !== undefined) {
    return [forbidden('[]', 'static pods do not support ephemeral containers')];
  }
  const errors = validateAnnotationUpdate(pod, old);
  const after = new Map((pod.spec?.ephemeralContainers ?? []).map((container) => [container.name, container]));
  for (const before of old.spec?.ephemeralContainers ?? []) {
    const container = after.get(before.name);
    const name = JSON.stringify(before.name);
    if (container === undefined) {
      errors.push(forbidden(path, `existing ephemeral containers ${name} may not be removed\n`));
    } else if (!semanticallyEqual(container, before)) {
      const difference = unifiedDiff(before, container);
      errors.push(forbidden(path, `existing ephemeral containers ${name} may not be changed\n${difference}`));
    }
  }
  return errors;
}

/** Only cpu and memory of containers that run for the life of the pod may be resized. */
export function validatePodResize(pod: V1Pod, old: V1Pod): FieldError[] {
  if (old.metadata?.annotations?.[MIRROR_POD_ANNOTATION] !== undefined) {
    return [forbidden('[]', 'static pods cannot be resized')];
  }
  const spec = pod.spec ?? EMPTY;
  const before = old.spec ?? EMPTY;
  const errors: FieldError[] = [];
  if (spec.os?.name === 'windows') errors.push(forbidden('spec', 'windows pods cannot be resized'));
  const rest: V1PodSpec = {
    ...spec,
    containers: withOldComputeResources(spec.containers, before.containers, () => true),
    initContainers: withOldComputeResources(
      spec.initContainers,
      before.initContainers,
      (container) => container.restartPolicy === 'Always',
    ),
  };
  if (qosClassOf(spec) !== recordedQosClass(old)) {
    errors.push(invalid('spec', pod.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'));
  }
  for (const list of ['containers', 'initContainers'] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      errors.push(...removalErrors(container, before[list]?.[index], `spec.${list}[${index}].resources`));
    }
  }
  if (!semanticallyEqual(rest, before)) {
    errors.push(forbidden('spec', `only cpu and memory resources are mutable\n${unifiedDiff(before, rest)}`));
  }
  return errors;
}

function removalErrors(container: V1Container, before: V1Container | undefined, path: string): FieldError[] {
  return (['requests', 'limits'] as const).flatMap((list) =>
    Object.keys(before?.resources?.[list] ?? {})
      .filter((name) => container.resources?.[list]?.[name] === undefined)
      .map(() => forbidden(`${path}.${list}`, `resource ${list} cannot be removed`)),
  );
}

function withOldComputeResources(
  containers: readonly V1Container[] | undefined,
  before: readonly V1Container[] | undefined,
  resizable: (container: V1Container) => boolean,
): V1Container[] {
  return (containers ?? []).map((container, index) => {
    const old = before?.[index];
    if (old === undefined || !resizable(container)) return container;
    const mask = (list: 'limits' | 'requests'): Record<string, string> => {
      const amounts: Record<string, string> = { ...container.resources?.[list] };
      for (const name of ['cpu', 'memory']) {
        const amount = old.resources?.[list]?.[name];
        if (amount === undefined) delete amounts[name];
        else amounts[name] = amount;
      }
      return amounts;
    };
    return {
      ...container,
      resizePolicy: old.resizePolicy,
      resources: { ...container.resources, limits: mask('limits'), requests: mask('requests') },
    };
  });
}

/** What a kubelet may report: containers that ended for good stay ended, addresses are addresses. */
export function validatePodStatusUpdate(pod: V1Pod, old: V1Pod): FieldError[] {
  const status = pod.status ?? {};
  const errors = validateAnnotationUpdate(pod, old);
  for (const [index, condition] of (status.conditions ?? []).entries()) {
    if (SYSTEM_CONDITIONS.has(condition.type)) continue;
    errors.push(...formatErrors(`status.conditions[${index}].type`, condition.type ?? '', isQualifiedName));
  }
  const nominated = status.nominatedNodeName ?? '';
  if (nominated !== '' && nominated !== old.status?.nominatedNodeName) {
    errors.push(...formatErrors('status.nominatedNodeName', nominated, isDns1123Subdomain));
  }
  const restartPolicy = old.spec?.restartPolicy ?? '';
  const rules = new Map(
    [...(old.spec?.containers ?? []), ...(old.spec?.initContainers ?? [])].map((one) => [
      one.name,
      one.restartPolicy ?? ((one.restartPolicyRules ?? []).length > 0 ? 'Always' : restartPolicy),
    ]),
  );
  for (const list of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'] as const) {
    const policyOf = (name: string): string =>
      list === 'ephemeralContainerStatuses' ? 'Never' : (rules.get(name) ?? restartPolicy);
    errors.push(...transitionErrors(status[list], old.status?.[list], `status.${list}`, policyOf));
  }
  return [...errors, ...addressErrors(pod)];
}

function transitionErrors(
  statuses: readonly V1ContainerStatus[] | undefined,
  before: readonly V1ContainerStatus[] | undefined,
  path: string,
  policyOf: (name: string) => string,
): FieldError[] {
  return (before ?? []).flatMap((old, index) => {
    const ended = old.state?.terminated;
    const policy = policyOf(old.name);
    if (ended === undefined || policy === 'Always' || (policy === 'OnFailure' && ended.exitCode !== 0)) return [];
    return (statuses ?? []).some((one) => one.name === old.name && one.state?.terminated === undefined)
      ? [forbidden(`${path}[${index}].state`, 'may not be transitioned to non-terminated state')]
      : [];
  });
}

function addressErrors(pod: V1Pod): FieldError[] {
  const { podIPs = [], hostIPs = [], hostIP = '' } = pod.status ?? {};
  const errors: FieldError[] = [];
  if (hostIPs.length > 0 && hostIPs[0]?.ip !== hostIP) {
    errors.push(invalid('status.hostIPs[0].ip', hostIPs[0]?.ip ?? '', 'must be equal to `hostIP`'));
  }
  for (const [field, list] of [
    ['status.podIPs', podIPs],
    ['status.hostIPs', hostIPs],
  ] as const) {
    const addresses = list.map((entry) => entry.ip ?? '');
    errors.push(...addresses.flatMap((address, index) => ipErrors(`${field}[${index}]`, address)));
    if (addresses.length > 1 && !isDualStackPair(addresses)) {
      errors.push(invalid(field, list, 'may specify no more than one IP for each IP family'));
    }
    for (const [index, address] of addresses.entries()) {
      if (addresses.indexOf(address) < index) errors.push(duplicate(`${field}[${index}]`, list[index]));
    }
  }
  return errors;
}
