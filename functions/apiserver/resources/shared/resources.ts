import { forbidden, invalid, notFound, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1ResourceRequirements } from '../../../../lib/schema/generated/types.js';
import { compareQuantities, isWhole } from './quantities.js';
import { formatErrors, isQualifiedName, MUST_BE_POSITIVE, NOT_NEGATIVE } from './formats.js';

/** Names of resources (cpu, memory, example.com/gpu) and quantities of them, by Kubernetes' rules. */

export type ResourceList = Record<string, string>;

const HUGE_PAGES = 'hugepages-';
const REQUESTS = 'requests.';
const NATIVE_DOMAIN = 'kubernetes.io/';

const CONTAINER_RESOURCES: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);
const OBJECT_COUNTS: readonly string[] = [
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const QUOTA_RESOURCES: ReadonlySet<string> = new Set([
  ...CONTAINER_RESOURCES,
  'requests.cpu',
  'requests.memory',
  'requests.storage',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  ...OBJECT_COUNTS,
]);
const STANDARD_RESOURCES: ReadonlySet<string> = new Set([...QUOTA_RESOURCES, 'storage']);
const INTEGER_RESOURCES: ReadonlySet<string> = new Set(OBJECT_COUNTS);

export function isHugePages(name: string): boolean {
  return name.startsWith(HUGE_PAGES);
}

function isQuotaHugePages(name: string): boolean {
  return isHugePages(name) || name.startsWith(`${REQUESTS}${HUGE_PAGES}`);
}

/** Unprefixed, or of the kubernetes.io domain. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes(NATIVE_DOMAIN);
}

/** `example.com/gpu`: not native, and still a qualified name when it becomes a quota's `requests.…`. */
export function isExtendedResource(name: string): boolean {
  return !isNativeResource(name) && !name.startsWith(REQUESTS) && isQualifiedName(`${REQUESTS}${name}`).length === 0;
}

export function isOvercommitAllowed(name: string): boolean {
  return isNativeResource(name) && !isHugePages(name);
}

export function isQuotaResource(name: string): boolean {
  return QUOTA_RESOURCES.has(name) || isQuotaHugePages(name);
}

export function resourceNameErrors(field: string, name: string): FieldError[] {
  const errors = formatErrors(field, name, isQualifiedName);
  if (errors.length === 0 && !name.includes('/') && !STANDARD_RESOURCES.has(name) && !isQuotaHugePages(name)) {
    errors.push(invalid(field, name, 'must be a standard resource type or fully qualified'));
  }
  return errors;
}

export function containerResourceNameErrors(field: string, name: string): FieldError[] {
  const errors = resourceNameErrors(field, name);
  if (!name.includes('/')) {
    if (!CONTAINER_RESOURCES.has(name) && !isHugePages(name)) {
      errors.push(invalid(field, name, 'must be a standard resource for containers'));
    }
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(invalid(field, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

export function quotaResourceNameErrors(field: string, name: string): FieldError[] {
  const errors = resourceNameErrors(field, name);
  if (!name.includes('/') && !isQuotaResource(name)) {
    errors.push(invalid(field, name, 'must be a standard resource for quota'));
  }
  return errors;
}

export function nonNegativeQuantityErrors(field: string, quantity: string): FieldError[] {
  return compareQuantities(quantity, '0') < 0 ? [invalid(field, quantity, NOT_NEGATIVE)] : [];
}

export function positiveQuantityErrors(field: string, quantity: string): FieldError[] {
  return compareQuantities(quantity, '0') <= 0 ? [invalid(field, quantity, MUST_BE_POSITIVE)] : [];
}

/** Not negative, and whole for what is counted. */
export function resourceQuantityErrors(field: string, name: string, quantity: string): FieldError[] {
  const errors = nonNegativeQuantityErrors(field, quantity);
  if ((INTEGER_RESOURCES.has(name) || isExtendedResource(name)) && !isWhole(quantity)) {
    errors.push(invalid(field, quantity, 'must be an integer'));
  }
  return errors;
}

function hugePagesErrors(field: string, name: string, quantity: string): FieldError[] {
  if (!isHugePages(name)) return [];
  const size = name.slice(HUGE_PAGES.length);
  return isMultiple(quantity, size)
    ? []
    : [invalid(field, quantity, `${quantity} is not positive integer multiple of ${name}`)];
}

function isMultiple(quantity: string, size: string): boolean {
  try {
    return compareQuantities(size, '0') > 0 && isWhole(quantity, size);
  } catch {
    return false;
  }
}

/** Requests and limits of a container (or, as limits alone, a pod's overhead). */
export function validateResourceRequirements(
  resources: V1ResourceRequirements | undefined,
  path: string,
  claimNames: ReadonlySet<string>,
): FieldError[] {
  if (resources === undefined) return [];
  const errors: FieldError[] = [];
  const limits = resources.limits ?? {};
  const requests = resources.requests ?? {};
  for (const [name, quantity] of Object.entries(limits)) {
    const field = `${path}.limits[${name}]`;
    errors.push(
      ...containerResourceNameErrors(field, name),
      ...resourceQuantityErrors(field, name, quantity),
      ...hugePagesErrors(field, name, quantity),
    );
  }
  for (const [name, quantity] of Object.entries(requests)) {
    const field = `${path}.requests[${name}]`;
    errors.push(...containerResourceNameErrors(field, name), ...resourceQuantityErrors(field, name, quantity));
    errors.push(
      ...requestWithinLimitErrors(path, name, quantity, limits[name]),
      ...hugePagesErrors(field, name, quantity),
    );
  }
  const names = new Set([...Object.keys(limits), ...Object.keys(requests)]);
  if (!names.has('cpu') && !names.has('memory') && [...names].some(isHugePages)) {
    errors.push(forbidden(path, 'HugePages require cpu or memory'));
  }
  errors.push(...claimErrors(resources, path, claimNames));
  return errors;
}

function requestWithinLimitErrors(
  path: string,
  name: string,
  request: string,
  limit: string | undefined,
): FieldError[] {
  if (limit === undefined) {
    return isOvercommitAllowed(name)
      ? []
      : [required(`${path}.limits`, 'Limit must be set for non overcommitable resources')];
  }
  const order = compareQuantities(request, limit);
  if (order !== 0 && !isOvercommitAllowed(name)) {
    return [invalid(`${path}.requests`, request, `must be equal to ${name} limit of ${limit}`)];
  }
  return order > 0
    ? [invalid(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`)]
    : [];
}

function claimErrors(resources: V1ResourceRequirements, path: string, claimNames: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, claim] of (resources.claims ?? []).entries()) {
    const field = `${path}.claims[${index}]`;
    const key = claim.request === undefined ? claim.name : `${claim.name}/${claim.request}`;
    if ((claim.name ?? '') === '') {
      errors.push(required(`${field}.name`));
      continue;
    }
    if (seen.has(key)) {
      errors.push({ type: 'FieldValueDuplicate', field, body: `Duplicate value: ${JSON.stringify(key)}` });
    }
    seen.add(key);
    if (!claimNames.has(claim.name)) {
      const known = claimNames.size === 0 ? ' which is empty' : `: ${[...claimNames].toSorted().join(', ')}`;
      const error = notFound(`${field}.name`, claim.name);
      errors.push({ ...error, body: `${error.body}: must be one of the names in pod.spec.resourceClaims${known}` });
    }
  }
  return errors;
}
