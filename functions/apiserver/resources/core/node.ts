import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
} from '../../../../lib/api/field-errors.js';
import type { V1Node, V1Taint } from '../../../../lib/schema/generated/types.js';
import { defineKind } from '../kind.js';
import { AGE } from '../shared/columns.js';
import { formatErrors, isLabelValue, isQualifiedName } from '../shared/formats.js';
import { cidrErrors } from '../shared/ip-addresses.js';
import { TAINT_EFFECTS } from '../shared/pod-spec/scheduling.js';
import { resourceQuantityErrors } from '../shared/resources.js';
import { PROXY_SUBRESOURCE } from '../shared/subresources.js';

const ROLE_LABEL_PREFIX = 'node-role.kubernetes.io/';
const ROLE_LABEL = 'kubernetes.io/role';
const CIDR_MAY_NOT_CHANGE = 'node updates may not change podCIDR except from "" to valid';
const NONE = '<none>';
const UNKNOWN = '<unknown>';

export const node = defineKind<V1Node>({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  definition: 'io.k8s.api.core.v1.Node',
  hasStatus: true,
  keepsStatusOnCreate: true,
  subresources: [PROXY_SUBRESOURCE],
  defaults(object) {
    const { spec, status } = object;
    if (spec !== undefined) syncPodCidrs(spec);
    if (status?.capacity !== undefined) status.allocatable ??= { ...status.capacity };
  },
  validate(object) {
    return [
      ...validateTaints(object.spec?.taints ?? [], 'metadata.taints'),
      ...resourceErrors(object),
      ...podCidrErrors(object.spec?.podCIDRs ?? []),
    ];
  },
  validateUpdate: validateNodeUpdate,
  validateStatusUpdate(object) {
    return [...resourceErrors(object), ...addressErrors(object)];
  },
  warnings(object) {
    return (object.spec?.externalID ?? '') === ''
      ? []
      : ['spec.externalID: this field is deprecated, and is unused by Kubernetes'];
  },
  columns: [
    { name: 'Status', type: 'string', description: 'The status of the node', cell: statusText },
    { name: 'Roles', type: 'string', description: 'The roles of the node', cell: rolesText },
    AGE,
    {
      name: 'Version',
      type: 'string',
      description: 'Version of the kubelet on the node.',
      cell: (object) => object.status?.nodeInfo?.kubeletVersion ?? '',
    },
    addressColumn('Internal-IP', 'InternalIP'),
    addressColumn('External-IP', 'ExternalIP'),
    infoColumn('OS-Image', 'osImage', 'Operating system of the node.'),
    infoColumn('Kernel-Version', 'kernelVersion', 'Kernel of the node.'),
    infoColumn('Container-Runtime', 'containerRuntimeVersion', 'Container runtime of the node and its version.'),
  ],
  fieldLabels: { 'spec.unschedulable': (object) => String(object.spec?.unschedulable ?? false) },
});

/** `podCIDR` is the first of `podCIDRs`, and wins when both are given and differ. */
function syncPodCidrs(spec: NonNullable<V1Node['spec']>): void {
  const { podCIDR = '', podCIDRs = [] } = spec;
  if (podCIDR !== '' && podCIDRs[0] !== podCIDR) spec.podCIDRs = [podCIDR];
  else if (podCIDR === '' && podCIDRs[0] !== undefined) spec.podCIDR = podCIDRs[0];
}

function validateTaints(taints: readonly V1Taint[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, taint] of taints.entries()) {
    const at = `${path}[${index}]`;
    const { key = '', value = '', effect = '' } = taint;
    errors.push(...formatErrors(`${at}.key`, key, isQualifiedName));
    const messages = isLabelValue(value);
    if (messages.length > 0) errors.push(invalid(`${at}.value`, value, messages.join(';')));
    if (effect === '') errors.push(required(`${at}.effect`));
    else if (!TAINT_EFFECTS.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, TAINT_EFFECTS));
    if (seen.has(`${key}\n${effect}`)) {
      const error = duplicate(at, taint);
      errors.push({ ...error, body: `${error.body}: taints must be unique by key and effect pair` });
    }
    seen.add(`${key}\n${effect}`);
  }
  return errors;
}

function resourceErrors(object: V1Node): FieldError[] {
  return (['capacity', 'allocatable'] as const).flatMap((list) =>
    Object.entries(object.status?.[list] ?? {}).flatMap(([name, quantity]) =>
      resourceQuantityErrors(`status.${list}.${name}`, name, quantity),
    ),
  );
}

function podCidrErrors(cidrs: readonly string[]): FieldError[] {
  const field = 'spec.podCIDRs';
  const errors = cidrs.flatMap((cidr, index) => cidrErrors(`${field}[${index}]`, cidr));
  const families = new Set(cidrs.map((cidr) => cidr.includes(':')));
  if (cidrs.length > 1 && (cidrs.length > 2 || families.size !== 2)) {
    errors.push(invalid(field, cidrs, 'may specify no more than one CIDR for each IP family'));
  }
  for (const [index, cidr] of cidrs.entries()) {
    if (cidrs.indexOf(cidr) < index) errors.push(duplicate(`${field}[${index}]`, cidr));
  }
  return errors;
}

function addressErrors(object: V1Node): FieldError[] {
  const addresses = object.status?.addresses ?? [];
  const seen = new Set<string>();
  return addresses.flatMap((address, index) => {
    const key = `${address.type}\n${address.address}`;
    if (seen.has(key)) return [duplicate(`status.addresses[${index}]`, address)];
    seen.add(key);
    return [];
  });
}

function validateNodeUpdate(object: V1Node, old: V1Node): FieldError[] {
  const errors = addressErrors(object);
  const before = old.spec?.podCIDRs ?? [];
  const after = object.spec?.podCIDRs ?? [];
  if (before.length > 0 && (before.length !== after.length || before.some((cidr, index) => cidr !== after[index]))) {
    errors.push(forbidden('spec.podCIDRs', CIDR_MAY_NOT_CHANGE));
  }
  const provider = old.spec?.providerID ?? '';
  if (provider !== '' && provider !== object.spec?.providerID) {
    const why = 'node updates may not change providerID except from "" to valid';
    errors.push(forbidden('spec.providerID', why));
  }
  if ((old.spec?.externalID ?? '') !== (object.spec?.externalID ?? '')) {
    errors.push(forbidden('spec.externalID', 'may not be updated'));
  }
  return errors;
}

function statusText(object: V1Node): string {
  const ready = (object.status?.conditions ?? []).find((condition) => condition.type === 'Ready');
  const status = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return object.spec?.unschedulable === true ? `${status},SchedulingDisabled` : status;
}

function rolesText(object: V1Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(object.metadata?.labels ?? {})) {
    if (key.startsWith(ROLE_LABEL_PREFIX)) roles.add(key.slice(ROLE_LABEL_PREFIX.length));
    else if (key === ROLE_LABEL) roles.add(value);
  }
  roles.delete('');
  return roles.size === 0 ? NONE : [...roles].toSorted().join(',');
}

function addressColumn(name: string, type: string) {
  return {
    name,
    type: 'string' as const,
    priority: 1 as const,
    description: 'Address at which the node can be reached.',
    cell: (object: V1Node) =>
      (object.status?.addresses ?? []).find((address) => address.type === type)?.address ?? NONE,
  };
}

function infoColumn(name: string, field: 'osImage' | 'kernelVersion' | 'containerRuntimeVersion', description: string) {
  return {
    name,
    type: 'string' as const,
    priority: 1 as const,
    description,
    cell: (object: V1Node) => object.status?.nodeInfo?.[field] || UNKNOWN,
  };
}
