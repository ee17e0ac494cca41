import type {
  V1Container,
  V1EphemeralContainer,
  V1LifecycleHandler,
  V1PodSpec,
  V1PodTemplateSpec,
  V1Probe,
} from '../../../../../lib/schema/generated/types.js';
import { defaultPodLevelResources } from './pod-resources.js';
import { defaultVolume } from './volume-defaults.js';

const TERMINATION_GRACE_SECONDS = 30;

/** Fills in what Kubernetes defaults in any pod spec, a pod's own and a template's. Changes its argument. */
export function defaultPodSpec(spec: V1PodSpec | undefined): void {
  if (spec === undefined) return;
  spec.restartPolicy ||= 'Always';
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.schedulerName ||= 'default-scheduler';
  spec.terminationGracePeriodSeconds ??= TERMINATION_GRACE_SECONDS;
  spec.securityContext ??= {};
  const serviceAccountName = spec.serviceAccountName || spec.serviceAccount;
  if (serviceAccountName !== undefined && serviceAccountName !== '') {
    spec.serviceAccountName = serviceAccountName;
    spec.serviceAccount = serviceAccountName;
  }
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const container of spec.initContainers ?? []) defaultContainer(container);
  for (const container of spec.containers ?? []) defaultContainer(container);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container);
}

/** The same for the pod spec of a template. */
export function defaultPodTemplateSpec(template: V1PodTemplateSpec | undefined): void {
  if (template === undefined) return;
  template.metadata ??= {};
  template.spec ??= { containers: [] };
  defaultPodSpec(template.spec);
}

function defaultContainer(container: V1Container | V1EphemeralContainer): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image);
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.resources ??= {};
  for (const port of container.ports ?? []) port.protocol ||= 'TCP';
  for (const variable of container.env ?? []) {
    const fieldRef = variable.valueFrom?.fieldRef;
    if (fieldRef !== undefined) fieldRef.apiVersion ||= 'v1';
    const fileKeyRef = variable.valueFrom?.fileKeyRef;
    if (fileKeyRef !== undefined) fileKeyRef.optional ??= false;
  }
  defaultProbe(container.livenessProbe);
  defaultProbe(container.readinessProbe);
  defaultProbe(container.startupProbe);
  defaultHandler(container.lifecycle?.postStart);
  defaultHandler(container.lifecycle?.preStop);
}

/** `Always` for `:latest` and for no tag at all, else `IfNotPresent`. */
export function defaultPullPolicy(image: string | undefined): 'Always' | 'IfNotPresent' {
  if (image === undefined || image === '') return 'IfNotPresent';
  const [name = '', digest] = image.slice(image.lastIndexOf('/') + 1).split('@');
  const colon = name.indexOf(':');
  const tag = colon >= 0 ? name.slice(colon + 1) : digest === undefined ? 'latest' : '';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

function defaultProbe(probe: V1Probe | undefined): void {
  if (probe === undefined) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
  defaultHandler(probe);
}

function defaultHandler(handler: Pick<V1LifecycleHandler, 'httpGet'> | undefined): void {
  if (handler?.httpGet === undefined) return;
  handler.httpGet.path ||= '/';
  handler.httpGet.scheme ||= 'HTTP';
}

/** What is defaulted in a pod but not in a template: requests from limits, host ports, service links. */
export function defaultPodOnly(spec: V1PodSpec): void {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  for (const { resources } of containers) {
    if (resources?.limits === undefined) continue;
    resources.requests = { ...resources.limits, ...resources.requests };
  }
  defaultPodLevelResources(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork !== true) return;
  for (const port of containers.flatMap((container) => container.ports ?? [])) {
    port.hostPort ||= port.containerPort;
  }
}
