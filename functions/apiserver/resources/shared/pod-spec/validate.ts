import { duplicate, invalid, notSupported, required, type FieldError } from '../../../../../lib/api/field-errors.js';
import type { V1PodDNSConfig, V1PodSpec } from '../../../../../lib/schema/generated/types.js';
import {
  formatErrors,
  INT32_MAX,
  isDns1123Label,
  isDns1123Subdomain,
  isQualifiedName,
  rangeMessage,
} from '../formats.js';
import { ipErrors } from '../ip-addresses.js';
import { validateLabels } from '../labels.js';
import { compareQuantities } from '../quantities.js';
import { isOvercommitAllowed, validateResourceRequirements } from '../resources.js';
import {
  requiredOneOf,
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
  type PodParts,
} from './containers.js';
import { TEMPLATE, type PodValidationOptions } from './options.js';
import { aggregateResources, isPodLevelResource } from './pod-resources.js';
import { validateAffinity, validateTolerations, validateTopologySpread } from './scheduling.js';
import { validateHostProcess, validateHostUsers, validateOs, validatePodSecurityContext } from './security-context.js';
import { validateVolumes } from './volumes.js';

const NAMESERVERS_MAX = 3;
const SEARCH_PATHS_MAX = 32;
const SEARCH_CHARACTERS_MAX = 2048;
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

/** All rules of a pod spec, worded as Kubernetes words them. Expects defaults to be filled in. */
export function validatePodSpec(spec: V1PodSpec, path: string, options: PodValidationOptions = TEMPLATE): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.terminationGracePeriodSeconds === undefined) errors.push(required(`${path}.terminationGracePeriodSeconds`));
  const volumes = validateVolumes(spec.volumes, `${path}.volumes`, options);
  const parts: PodParts = {
    spec,
    volumes: volumes.valid,
    claimNames: new Set((spec.resourceClaims ?? []).map((claim) => claim.name).filter((name) => (name ?? '') !== '')),
    resourceIsPod: options.resourceIsPod,
  };
  errors.push(
    ...volumes.errors,
    ...resourceClaimErrors(spec, `${path}.resourceClaims`),
    ...validateContainers(parts, `${path}.containers`),
    ...validateInitContainers(parts, `${path}.initContainers`),
    ...validateEphemeralContainers(parts, `${path}.ephemeralContainers`),
    ...podResourceErrors(spec, `${path}.resources`),
    ...hostNetworkErrors(spec, path, options),
    ...requiredOneOf(`${path}.restartPolicy`, spec.restartPolicy ?? '', ['Always', 'OnFailure', 'Never']),
    ...requiredOneOf(`${path}.dnsPolicy`, spec.dnsPolicy ?? '', DNS_POLICIES),
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...validatePodSecurityContext(spec, path),
    ...validateAffinity(spec.affinity, `${path}.affinity`),
    ...dnsConfigErrors(spec.dnsConfig, spec.dnsPolicy, `${path}.dnsConfig`),
    ...(spec.readinessGates ?? []).flatMap((gate, index) =>
      formatErrors(`${path}.readinessGates[${index}].conditionType`, gate.conditionType ?? '', isQualifiedName),
    ),
    ...schedulingGateErrors(spec, `${path}.schedulingGates`),
    ...validateTopologySpread(spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`),
    ...validateHostProcess(spec, path),
    ...validateHostUsers(spec, path),
    ...nameErrors(spec, path),
  );
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > INT32_MAX)) {
    errors.push(invalid(`${path}.activeDeadlineSeconds`, deadline, rangeMessage(1, INT32_MAX)));
  }
  errors.push(...validateTolerations(spec.tolerations, `${path}.tolerations`), ...hostAliasErrors(spec, path));
  if (spec.preemptionPolicy !== undefined) {
    errors.push(...requiredOneOf(`${path}.preemptionPolicy`, spec.preemptionPolicy, ['PreemptLowerPriority', 'Never']));
  }
  errors.push(...validateResourceRequirements({ limits: spec.overhead }, `${path}.overhead`, new Set()));
  errors.push(...validateOs(spec, path));
  return errors;
}

function nameErrors(spec: V1PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['serviceAccountName', 'nodeName', 'priorityClassName'] as const) {
    const name = spec[field];
    if (name !== undefined && name !== '') errors.push(...formatErrors(`${path}.${field}`, name, isDns1123Subdomain));
  }
  for (const field of ['hostname', 'subdomain'] as const) {
    const name = spec[field];
    if (name !== undefined && name !== '') errors.push(...formatErrors(`${path}.${field}`, name, isDns1123Label));
  }
  if (spec.hostnameOverride !== undefined) {
    errors.push(...formatErrors(`${path}.hostnameOverride`, spec.hostnameOverride, isDns1123Subdomain));
  }
  if (spec.runtimeClassName !== undefined) {
    errors.push(...formatErrors(`${path}.runtimeClassName`, spec.runtimeClassName, isDns1123Subdomain));
  }
  return errors;
}

function resourceClaimErrors(spec: V1PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = new Set<string>();
  for (const [index, claim] of (spec.resourceClaims ?? []).entries()) {
    const at = `${path}[${index}]`;
    const { name = '', resourceClaimName, resourceClaimTemplateName } = claim;
    if (name === '') errors.push(required(`${at}.name`));
    else if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    else errors.push(...formatErrors(`${at}.name`, name, isDns1123Label));
    names.add(name);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      const why = 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified';
      errors.push(invalid(at, claim, why));
    } else if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.push(invalid(at, claim, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    }
    for (const field of ['resourceClaimName', 'resourceClaimTemplateName'] as const) {
      const value = claim[field];
      if (value !== undefined) errors.push(...formatErrors(`${at}.${field}`, value, isDns1123Subdomain));
    }
  }
  return errors;
}

/** Resources of the pod as a whole: cpu, memory and huge pages only, and not less than its containers need. */
function podResourceErrors(spec: V1PodSpec, path: string): FieldError[] {
  const { resources } = spec;
  if (resources === undefined) return [];
  const errors = validateResourceRequirements(resources, path, new Set());
  for (const list of ['limits', 'requests'] as const) {
    for (const name of Object.keys(resources[list] ?? {})) {
      if (!isPodLevelResource(name) && isOvercommitAllowed(name)) {
        errors.push(notSupported(`${path}.${list}[${name}]`, name, ['cpu', 'hugepages-', 'memory']));
      }
    }
  }
  for (const [name, needed] of Object.entries(aggregateResources(spec, 'requests'))) {
    const request = resources.requests?.[name];
    if (request !== undefined && compareQuantities(needed, request) > 0) {
      const why = `must be greater than or equal to aggregate container requests of ${needed}`;
      errors.push(invalid(`${path}.requests[${name}]`, request, why));
    }
  }
  return errors;
}

function hostNetworkErrors(spec: V1PodSpec, path: string, options: PodValidationOptions): FieldError[] {
  if (spec.hostNetwork !== true) return [];
  const errors: FieldError[] = [];
  for (const [index, container] of (spec.containers ?? []).entries()) {
    for (const [portIndex, { hostPort = 0, containerPort }] of (container.ports ?? []).entries()) {
      // A template may leave the host port to the pods made from it.
      if ((options.resourceIsPod || hostPort !== 0) && hostPort !== containerPort) {
        const field = `${path}.containers[${index}].ports[${portIndex}].hostPort`;
        errors.push(invalid(field, hostPort, 'must match `containerPort` when `hostNetwork` is true'));
      }
    }
  }
  return errors;
}

function dnsConfigErrors(config: V1PodDNSConfig | undefined, policy: string | undefined, path: string): FieldError[] {
  if (policy === 'None') {
    if (config === undefined) return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if ((config.nameservers ?? []).length === 0) {
      const why = 'must provide at least one DNS nameserver when `dnsPolicy` is None';
      return [required(`${path}.nameservers`, why)];
    }
  }
  if (config === undefined) return [];
  const { nameservers = [], searches = [], options = [] } = config;
  const errors: FieldError[] = [];
  if (nameservers.length > NAMESERVERS_MAX) {
    const why = `must not have more than ${NAMESERVERS_MAX} nameservers`;
    errors.push(invalid(`${path}.nameservers`, nameservers, why));
  }
  errors.push(...nameservers.flatMap((server, index) => ipErrors(`${path}.nameservers[${index}]`, server)));
  if (searches.length > SEARCH_PATHS_MAX) {
    const why = `must not have more than ${SEARCH_PATHS_MAX} search paths`;
    errors.push(invalid(`${path}.searches`, searches, why));
  }
  if (searches.join(' ').length > SEARCH_CHARACTERS_MAX) {
    const why = `must not have more than ${SEARCH_CHARACTERS_MAX} characters (including spaces) in the search list`;
    errors.push(invalid(`${path}.searches`, searches, why));
  }
  for (const [index, search] of searches.entries()) {
    // `.` alone stands for the root; underscores are what SRV records have.
    if (search === '.') continue;
    const name = search
      .replace(/\.$/, '')
      .replace(/(^|\.)_/g, '$1')
      .replaceAll('_', '-');
    errors.push(...isDns1123Subdomain(name).map((message) => invalid(`${path}.searches[${index}]`, search, message)));
  }
  for (const [index, option] of options.entries()) {
    if ((option.name ?? '') === '') errors.push(required(`${path}.options[${index}]`, 'must not be empty'));
  }
  return errors;
}

function schedulingGateErrors(spec: V1PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { name = '' }] of (spec.schedulingGates ?? []).entries()) {
    errors.push(...formatErrors(`${path}[${index}]`, name, isQualifiedName));
    if (seen.has(name)) errors.push(duplicate(`${path}[${index}]`, name));
    seen.add(name);
  }
  return errors;
}

function hostAliasErrors(spec: V1PodSpec, path: string): FieldError[] {
  return (spec.hostAliases ?? []).flatMap((alias, index) => {
    const at = `${path}.hostAliases[${index}]`;
    return [
      ...ipErrors(`${at}.ip`, alias.ip ?? ''),
      ...(alias.hostnames ?? []).flatMap((name, nameIndex) =>
        formatErrors(`${at}.hostnames[${nameIndex}]`, name, isDns1123Subdomain),
      ),
    ];
  });
}
