import type { V1Container, V1EnvVar, V1ObjectMeta, V1PodSpec } from '../../../../../lib/schema/generated/types.js';
import { isWhole } from '../quantities.js';
import { containersWithPaths } from './containers-of.js';

const DEPRECATED_NODE_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
};
const DEPRECATED_ANNOTATIONS: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};
const SECCOMP_POD_ANNOTATION = 'seccomp.security.alpha.kubernetes.io/pod';
const DEPRECATED_VOLUMES: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

/** What is accepted in a pod or template but is likely not meant. `path` is '' for a pod, `spec.template` for a template. */
export function podSpecWarnings(spec: V1PodSpec, metadata: V1ObjectMeta | undefined, path: string): string[] {
  const prefix = path === '' ? '' : `${path}.`;
  const at = `${prefix}spec`;
  const warnings: string[] = [];
  for (const key of Object.keys(spec.nodeSelector ?? {})) {
    const message = DEPRECATED_NODE_LABELS[key];
    if (message !== undefined) warnings.push(`${at}.nodeSelector[${key}]: ${message}`);
  }
  for (const [index, constraint] of (spec.topologySpreadConstraints ?? []).entries()) {
    const field = `${at}.topologySpreadConstraints[${index}]`;
    const message = DEPRECATED_NODE_LABELS[constraint.topologyKey];
    if (message !== undefined) warnings.push(`${field}.topologyKey: ${constraint.topologyKey} is ${message}`);
    if (constraint.labelSelector === undefined) {
      warnings.push(`${field}.labelSelector: a null labelSelector results in matching no pod`);
    }
  }
  for (const [key, message] of Object.entries(DEPRECATED_ANNOTATIONS)) {
    if (metadata?.annotations?.[key] !== undefined) {
      warnings.push(`${prefix}metadata.annotations[${key}]: ${message}`);
    }
  }
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    for (const source of Object.keys(volume)) {
      const message = DEPRECATED_VOLUMES[source];
      if (message !== undefined) warnings.push(`${at}.volumes[${index}].${source}: ${message}`);
    }
  }
  warnings.push(...duplicates(spec.hostAliases, 'ip', `${at}.hostAliases`));
  warnings.push(...duplicates(spec.imagePullSecrets, 'name', `${at}.imagePullSecrets`));
  for (const [index, secret] of (spec.imagePullSecrets ?? []).entries()) {
    if ((secret.name ?? '') === '') warnings.push(`${at}.imagePullSecrets[${index}].name: invalid empty name ""`);
  }
  if (
    metadata?.annotations?.[SECCOMP_POD_ANNOTATION] !== undefined &&
    spec.securityContext?.seccompProfile === undefined
  ) {
    const field = `${prefix}metadata.annotations[${SECCOMP_POD_ANNOTATION}]`;
    warnings.push(`${field}: non-functional in v1.27+; use the "seccompProfile" field instead`);
  }
  return [...warnings, ...containerWarnings(spec, at), ...portWarnings(spec, at)];
}

function duplicates<K extends string>(items: { [key in K]?: string }[] | undefined, key: K, path: string): string[] {
  const seen = new Set<string>();
  return (items ?? []).flatMap((item, index) => {
    const value = item[key] ?? '';
    if (seen.has(value)) return [`${path}[${index}].${key}: duplicate ${key} ${JSON.stringify(value)}`];
    seen.add(value);
    return [];
  });
}

function containerWarnings(spec: V1PodSpec, at: string): string[] {
  return containersWithPaths(spec, at).flatMap(({ container, path }) => {
    const fractional = (['limits', 'requests'] as const).flatMap((list) =>
      ['memory', 'ephemeral-storage'].flatMap((name) => {
        const quantity = container.resources?.[list]?.[name];
        return quantity === undefined || isWhole(quantity)
          ? []
          : [
              `${path}.resources.${list}[${name}]: fractional byte value ${JSON.stringify(quantity)} is invalid, must be an integer`,
            ];
      }),
    );
    return [...fractional, ...hiddenVariables(container.env ?? [], `${path}.env`)];
  });
}

function hiddenVariables(env: readonly V1EnvVar[], path: string): string[] {
  const seen = new Set<string>();
  return env.flatMap((variable, index) => {
    if (!seen.has(variable.name)) {
      seen.add(variable.name);
      return [];
    }
    // `X=$(X)more` builds on the earlier value, which is a use of it.
    const reference = `$(${variable.name})`;
    const value = variable.value ?? '';
    const buildsOnIt = variable.valueFrom === undefined && value !== reference && value.includes(reference);
    return buildsOnIt
      ? []
      : [
          `${path}[${index}]: hides previous definition of ${JSON.stringify(variable.name)}, which may be dropped when using apply`,
        ];
  });
}

function portWarnings(spec: V1PodSpec, at: string): string[] {
  const warnings: string[] = [];
  const known = new Map<string, { field: string; hostIP: string; hostPort: number }[]>();
  for (const { container, path } of containersWithPaths(spec, at)) {
    for (const [index, port] of ((container as V1Container).ports ?? []).entries()) {
      const field = `${path}.ports[${index}]`;
      const { hostIP = '', hostPort = 0 } = port;
      const key = `${port.containerPort}/${port.protocol}`;
      const others = known.get(key) ?? [];
      for (const other of others) {
        if (other.hostIP === hostIP && other.hostPort === hostPort) {
          warnings.push(`${field}: duplicate port definition with ${other.field}`);
        } else if (hostPort === 0 || other.hostPort === 0) {
          warnings.push(`${field}: overlapping port definition with ${other.field}`);
        } else if (other.hostPort === hostPort && (hostIP === '' || other.hostIP === '')) {
          warnings.push(`${field}: dangerously ambiguous port definition with ${other.field}`);
        }
      }
      known.set(key, [...others, { field, hostIP, hostPort }]);
    }
  }
  return warnings;
}
