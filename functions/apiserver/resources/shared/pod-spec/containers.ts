import {
  duplicate,
  forbidden,
  invalid,
  notFound,
  notSupported,
  required,
  type FieldError,
} from '../../../../../lib/api/field-errors.js';
import type {
  V1Container,
  V1ContainerPort,
  V1ContainerResizePolicy,
  V1EphemeralContainer,
  V1PodSpec,
  V1Volume,
} from '../../../../../lib/schema/generated/types.js';
import { formatErrors, isDns1123Label, isPortName, isPortNumber } from '../formats.js';
import { validateResourceRequirements } from '../resources.js';
import { forbiddenFields, validateEnv, validateEnvFrom } from './env.js';
import { validateHooksAndProbes } from './probes.js';
import { validateSecurityContext } from './security-context.js';
import { validateMounts } from './volume-mounts.js';

export const PORT_PROTOCOLS: readonly string[] = ['SCTP', 'TCP', 'UDP'];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const RUNNING_ONLY = ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'];
const NOT_EPHEMERAL = ['ports', ...RUNNING_ONLY];

/** What containers refer to elsewhere in their pod. */
export interface PodParts {
  readonly spec: V1PodSpec;
  readonly volumes: ReadonlyMap<string, V1Volume>;
  readonly claimNames: ReadonlySet<string>;
  readonly resourceIsPod: boolean;
}

export function validateContainers(parts: PodParts, path: string): FieldError[] {
  const containers = parts.spec.containers ?? [];
  if (containers.length === 0) return [required(path)];
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const at = `${path}[${index}]`;
    errors.push(...validateCommon(container, at, parts));
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    errors.push(...validateHooksAndProbes(container, at, parts.spec.terminationGracePeriodSeconds));
    if (container.restartPolicy !== undefined) {
      errors.push(...oneOf(`${at}.restartPolicy`, container.restartPolicy, ['Always', 'Never', 'OnFailure']));
    }
    errors.push(...restartRuleErrors(container, at));
  }
  return [...errors, ...hostPortConflicts(containers, path)];
}

export function validateInitContainers(parts: PodParts, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set((parts.spec.containers ?? []).map((container) => container.name));
  for (const [index, container] of (parts.spec.initContainers ?? []).entries()) {
    const at = `${path}[${index}]`;
    errors.push(...validateCommon(container, at, parts));
    const sidecar = container.restartPolicy === 'Always';
    if (container.restartPolicy !== undefined) {
      errors.push(...oneOf(`${at}.restartPolicy`, container.restartPolicy, ['Always', 'Never', 'OnFailure']));
    }
    errors.push(...restartRuleErrors(container, at));
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    else if ((container.name ?? '') !== '') names.add(container.name);
    // Init containers run one by one, so that ports of two of them cannot collide.
    errors.push(...hostPortConflicts([container], path));
    if (sidecar) errors.push(...validateHooksAndProbes(container, at, parts.spec.terminationGracePeriodSeconds));
    else {
      const why = 'may not be set for init containers without restartPolicy=Always';
      errors.push(...forbiddenFields(container, RUNNING_ONLY, at, why));
    }
  }
  return errors;
}

export function validateEphemeralContainers(parts: PodParts, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const others = new Set(
    [...(parts.spec.containers ?? []), ...(parts.spec.initContainers ?? [])].map((container) => container.name),
  );
  const names = new Set(others);
  const why = 'cannot be set for an Ephemeral Container';
  for (const [index, container] of (parts.spec.ephemeralContainers ?? []).entries()) {
    const at = `${path}[${index}]`;
    errors.push(...validateCommon(container, at, parts));
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    const target = container.targetContainerName ?? '';
    if (target !== '' && !others.has(target)) errors.push(notFound(`${at}.targetContainerName`, target));
    errors.push(...forbiddenFields(container, NOT_EPHEMERAL, at, why));
    if (Object.keys(container.resources ?? {}).length > 0) errors.push(forbidden(`${at}.resources`, why));
    for (const field of ['resizePolicy', 'restartPolicy', 'restartPolicyRules'] as const) {
      if (container[field] !== undefined) errors.push(forbidden(`${at}.${field}`, why));
    }
    for (const [mountIndex, mount] of (container.volumeMounts ?? []).entries()) {
      errors.push(...forbiddenFields(mount, ['subPath', 'subPathExpr'], `${at}.volumeMounts[${mountIndex}]`, why));
    }
  }
  return errors;
}

function validateCommon(container: V1Container | V1EphemeralContainer, path: string, parts: PodParts): FieldError[] {
  const { name = '', image = '', terminationMessagePolicy = '', imagePullPolicy = '' } = container;
  const errors = name === '' ? [required(`${path}.name`)] : formatErrors(`${path}.name`, name, isDns1123Label);
  if (image === '') errors.push(required(`${path}.image`));
  else if (parts.resourceIsPod && image !== image.trim()) {
    errors.push(invalid(`${path}.image`, image, 'must not have leading or trailing whitespace'));
  }
  errors.push(
    ...requiredOneOf(`${path}.terminationMessagePolicy`, terminationMessagePolicy, ['File', 'FallbackToLogsOnError']),
    ...validatePorts(container.ports ?? [], `${path}.ports`),
    ...validateEnv(container.env, `${path}.env`, parts.volumes),
    ...validateEnvFrom(container.envFrom, `${path}.envFrom`),
    ...validateMounts(container, path, parts.volumes),
    ...requiredOneOf(`${path}.imagePullPolicy`, imagePullPolicy, PULL_POLICIES),
    ...validateResourceRequirements(container.resources, `${path}.resources`, parts.claimNames),
    ...resizePolicyErrors(container.resizePolicy ?? [], `${path}.resizePolicy`, parts.spec.restartPolicy),
    ...validateSecurityContext(container.securityContext, `${path}.securityContext`, parts.spec.hostUsers !== false),
  );
  return errors;
}

function oneOf(field: string, value: string, supported: readonly string[]): FieldError[] {
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

/** A field with a default, so that it is empty only when it was set to ''. */
export function requiredOneOf(field: string, value: string, supported: readonly string[]): FieldError[] {
  return value === '' ? [required(field)] : oneOf(field, value, supported);
}

function validatePorts(ports: readonly V1ContainerPort[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `${path}[${index}]`;
    const { name = '', containerPort = 0, hostPort = 0, protocol = '' } = port;
    if (name !== '') {
      const messages = formatErrors(`${at}.name`, name, isPortName);
      if (messages.length > 0) errors.push(...messages);
      else if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      else names.add(name);
    }
    if (containerPort === 0) errors.push(required(`${at}.containerPort`));
    else errors.push(...portErrors(`${at}.containerPort`, containerPort));
    if (hostPort !== 0) errors.push(...portErrors(`${at}.hostPort`, hostPort));
    errors.push(...requiredOneOf(`${at}.protocol`, protocol, PORT_PROTOCOLS));
  }
  return errors;
}

function portErrors(field: string, port: number): FieldError[] {
  return isPortNumber(port).map((message) => invalid(field, port, message));
}

function hostPortConflicts(containers: readonly V1Container[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const taken = new Set<string>();
  for (const [index, container] of containers.entries()) {
    for (const [portIndex, port] of (container.ports ?? []).entries()) {
      if ((port.hostPort ?? 0) === 0) continue;
      const key = `${port.protocol ?? ''}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (taken.has(key)) errors.push(duplicate(`${path}[${index}].ports[${portIndex}].hostPort`, key));
      taken.add(key);
    }
  }
  return errors;
}

function resizePolicyErrors(
  policies: readonly V1ContainerResizePolicy[],
  path: string,
  podRestartPolicy: string | undefined,
): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { resourceName = '', restartPolicy = '' }] of policies.entries()) {
    if (seen.has(resourceName)) errors.push(duplicate(`${path}[${index}]`, resourceName));
    seen.add(resourceName);
    errors.push(...requiredOneOf(path, resourceName, ['cpu', 'memory']));
    errors.push(...requiredOneOf(path, restartPolicy, ['NotRequired', 'RestartContainer']));
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired') {
      errors.push(invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
  }
  return errors;
}

function restartRuleErrors(container: V1Container, path: string): FieldError[] {
  const rules = container.restartPolicyRules ?? [];
  if (rules.length === 0) return [];
  const errors: FieldError[] = [];
  if (container.restartPolicy === undefined) {
    errors.push(required(`${path}.restartPolicy`, 'must specify restartPolicy when restart rules are used'));
  }
  for (const [index, rule] of rules.entries()) {
    const at = `${path}.restartPolicyRules[${index}]`;
    errors.push(...requiredOneOf(`${at}.action`, rule.action ?? '', ['Restart', 'RestartAllContainers']));
    if (rule.exitCodes === undefined) errors.push(required(`${at}.exitCodes`, 'must be specified'));
    else errors.push(...requiredOneOf(`${at}.exitCodes.operator`, rule.exitCodes.operator ?? '', ['In', 'NotIn']));
  }
  return errors;
}
