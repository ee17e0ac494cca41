import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
  type FieldError,
} from '../../../../../lib/api/field-errors.js';
import type { V1Service, V1ServiceSpec } from '../../../../../lib/schema/generated/types.js';
import { FIELD_IS_IMMUTABLE } from '../../shared/formats.js';
import { ipErrors, isDualStackPair, isIpv6Address } from '../../shared/ip-addresses.js';
import { isHeadless, isLoadBalancer, needsHealthCheck } from './predicates.js';

const CLUSTER_IPS = 'spec.clusterIPs';
const FAMILIES = ['IPv4', 'IPv6'];
const FAMILY_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const MAY_NOT_CHANGE = 'may not change once set';

/** Cluster IPs, their families and how these fit each other. */
export function clusterIpErrors(spec: V1ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName') return [];
  const errors: FieldError[] = [];
  const addresses = spec.clusterIPs ?? [];
  if ((spec.clusterIP ?? '') !== '') {
    if (addresses.length === 0) errors.push(required(CLUSTER_IPS));
    else if (addresses[0] !== spec.clusterIP) {
      errors.push(invalid(CLUSTER_IPS, addresses, 'first value must match `clusterIP`'));
    }
  } else if (addresses.length > 0) {
    errors.push(invalid(CLUSTER_IPS, addresses, 'must be empty when `clusterIP` is not specified'));
  }
  errors.push(...familyErrors(spec));

  let wrong = false;
  for (const [index, address] of addresses.entries()) {
    if (index === 0 && address === 'None') {
      if (addresses.length === 1) continue;
      wrong = true;
      errors.push(invalid(CLUSTER_IPS, addresses, "'None' must be the first and only value"));
      continue;
    }
    const own = ipErrors(`${CLUSTER_IPS}[${index}]`, address);
    wrong ||= own.length > 0;
    errors.push(...own);
  }
  if (addresses.length > 2) errors.push(invalid(CLUSTER_IPS, addresses, 'may only hold up to 2 values'));
  if (wrong) return errors;
  if (addresses.length > 1 && !isDualStackPair(addresses)) {
    errors.push(invalid(CLUSTER_IPS, addresses, 'may specify no more than one IP for each IP family'));
  }
  if (isHeadless(spec)) return errors;
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    const address = addresses[index];
    if (address === undefined) break;
    if ((family === 'IPv6') !== isIpv6Address(address) && FAMILIES.includes(family)) {
      const why = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``;
      errors.push(invalid(`${CLUSTER_IPS}[${index}]`, address, why));
    }
  }
  return errors;
}

function familyErrors(spec: V1ServiceSpec): FieldError[] {
  const families = spec.ipFamilies ?? [];
  const errors: FieldError[] = [];
  for (const [index, family] of families.entries()) {
    const field = `spec.ipFamilies[${index}]`;
    if (!FAMILIES.includes(family)) errors.push(notSupported(field, family, FAMILIES));
    if (families.indexOf(family) < index) errors.push(duplicate(field, family));
  }
  if (spec.ipFamilyPolicy !== undefined && !FAMILY_POLICIES.includes(spec.ipFamilyPolicy)) {
    errors.push(notSupported('spec.ipFamilyPolicy', spec.ipFamilyPolicy, FAMILY_POLICIES));
  }
  return errors;
}

/** The first address and family stay; a second one may come and go. */
export function validateServiceUpdate(object: V1Service, old: V1Service): FieldError[] {
  const spec = object.spec ?? {};
  const before = old.spec ?? {};
  const errors: FieldError[] = [];
  if (spec.type !== 'ExternalName' && before.type !== 'ExternalName') {
    if (!isHeadless(spec) || !isHeadless(before)) errors.push(...addressChangeErrors(spec, before));
    if (!isHeadless(spec) && !isHeadless(before)) errors.push(...familyChangeErrors(spec, before));
  }
  if (isLoadBalancer(spec) && isLoadBalancer(before) && spec.loadBalancerClass !== before.loadBalancerClass) {
    errors.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass ?? null, MAY_NOT_CHANGE));
  }
  if (
    needsHealthCheck(spec) &&
    needsHealthCheck(before) &&
    (before.healthCheckNodePort ?? 0) !== (spec.healthCheckNodePort ?? 0)
  ) {
    errors.push(forbidden('spec.healthCheckNodePort', FIELD_IS_IMMUTABLE));
  }
  return errors;
}

function addressChangeErrors(spec: V1ServiceSpec, before: V1ServiceSpec): FieldError[] {
  const after = spec.clusterIPs ?? [];
  const old = before.clusterIPs ?? [];
  if (old.length > 0 && after.length === 0) {
    return [invalid(`${CLUSTER_IPS}[0]`, after, 'primary clusterIP can not be unset')];
  }
  const compared = old.length === after.length ? old.length : Math.min(old.length, 1);
  const errors: FieldError[] = [];
  for (let index = 0; index < compared; index += 1) {
    if (old[index] !== after[index]) errors.push(invalid(`${CLUSTER_IPS}[${index}]`, after, MAY_NOT_CHANGE));
  }
  if (old.length > after.length && after.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    const why = "must be set to 'SingleStack' when releasing the secondary clusterIP";
    errors.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy ?? null, why));
  }
  return errors;
}

function familyChangeErrors(spec: V1ServiceSpec, before: V1ServiceSpec): FieldError[] {
  const field = 'spec.ipFamilies[0]';
  const after = spec.ipFamilies ?? [];
  const old = before.ipFamilies ?? [];
  // Families that are left out are filled in again from the old ones.
  if (after.length === 0) return [];
  const compared = old.length === after.length ? old.length : Math.min(old.length, 1);
  const errors: FieldError[] = [];
  for (let index = 0; index < compared; index += 1) {
    if (old[index] !== after[index]) errors.push(invalid(field, after, MAY_NOT_CHANGE));
  }
  if (old.length > after.length && spec.ipFamilyPolicy !== 'SingleStack') {
    const why = "must be set to 'SingleStack' when releasing the secondary ipFamily";
    errors.push(invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy ?? null, why));
  }
  return errors;
}
