import { invalid, type FieldError } from '../../../lib/api/field-errors.js';
import type { V1Service, V1ServiceSpec } from '../../../lib/schema/generated/types.js';
import type { ClusterIps } from './cluster-ips.js';
import { parseIp, type IpFamily } from '../../../lib/net/ip.js';
import { hasClusterIp, isHeadless } from '../resources/core/service/predicates.js';
import { HEADLESS, sameList } from './service-fields.js';

const SINGLE = 'SingleStack';
const PREFER = 'PreferDualStack';
const REQUIRE = 'RequireDualStack';
const POLICY = 'spec.ipFamilyPolicy';

/**
 * Fills `ipFamilyPolicy` and `ipFamilies` as the cluster's ranges and the given addresses demand, and says what does not fit.
 * The fields' own form is validated already. A service that prefers two families and was left alone stays as it is, so
 * that a cluster which gains or loses a family does not change its services.
 */
export function fillIpFamilies(service: V1Service, old: V1Service | undefined, cluster: ClusterIps): FieldError[] {
  const spec = service.spec;
  if (spec === undefined || !hasClusterIp(spec) || isUntouchedDualStack(spec, old?.spec)) return [];
  spec.ipFamilyPolicy ??= old?.spec?.ipFamilyPolicy ?? (isHeadless(spec) && isSelectorless(spec) ? REQUIRE : SINGLE);

  const errors = old?.spec === undefined ? [] : reduceToPolicy(spec, old.spec);
  if (spec.ipFamilyPolicy === SINGLE) {
    if ((spec.clusterIPs ?? []).length === 2) errors.push(dualNeeded(spec, 'cluster IPs'));
    if ((spec.ipFamilies ?? []).length === 2) errors.push(dualNeeded(spec, 'IP families'));
  }
  errors.push(...inferFamilies(spec, cluster));
  if (errors.length > 0) return errors;

  const families = (spec.ipFamilies ??= []);
  if (isHeadless(spec) && isSelectorless(spec)) {
    if (families.length === 0) families.push(cluster.defaultFamily);
    if (families.length < 2 && spec.ipFamilyPolicy !== SINGLE) families.push(otherFamily(families[0] as string));
    return [];
  }
  if (spec.ipFamilyPolicy === REQUIRE && !cluster.isDualStack)
    errors.push(invalid(POLICY, REQUIRE, 'this cluster is not configured for dual-stack services'));
  for (const [index, family] of families.entries())
    if (!cluster.isConfigured(family as IpFamily))
      errors.push(invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'));
  if (errors.length > 0) return errors;

  if (families.length === 0) families.push(cluster.defaultFamily);
  if (spec.ipFamilyPolicy !== SINGLE && families.length === 1 && cluster.isDualStack)
    families.push(otherFamily(families[0] as string));
  return [];
}

/** An update that keeps type, policy PreferDualStack, addresses and families. */
export function isUntouchedDualStack(spec: V1ServiceSpec, before: V1ServiceSpec | undefined): boolean {
  return (
    before !== undefined &&
    spec.ipFamilyPolicy === PREFER &&
    (before.ipFamilyPolicy ?? PREFER) === PREFER &&
    spec.type === before.type &&
    hasClusterIp(spec) &&
    sameList(spec.clusterIPs, before.clusterIPs) &&
    sameList(spec.ipFamilies, before.ipFamilies)
  );
}

/** SingleStack on a service with two families gives the second one up; giving it up without saying so is a mistake. */
function reduceToPolicy(spec: V1ServiceSpec, before: V1ServiceSpec): FieldError[] {
  if (spec.ipFamilyPolicy === SINGLE) {
    if (sameList(spec.clusterIPs, before.clusterIPs) && spec.clusterIPs !== undefined)
      spec.clusterIPs = spec.clusterIPs.slice(0, 1);
    if (sameList(spec.ipFamilies, before.ipFamilies) && spec.ipFamilies !== undefined)
      spec.ipFamilies = spec.ipFamilies.slice(0, 1);
    return [];
  }
  const errors: FieldError[] = [];
  if (isReduced(spec.clusterIPs, before.clusterIPs))
    errors.push(invalid(POLICY, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP"));
  if (isReduced(spec.ipFamilies, before.ipFamilies))
    errors.push(invalid(POLICY, spec.ipFamilyPolicy, "must be 'SingleStack' to release the secondary IP family"));
  return errors;
}

function isReduced(list: readonly string[] = [], before: readonly string[] = []): boolean {
  return list.length > 0 && list.length < before.length;
}

function dualNeeded(spec: V1ServiceSpec, what: string): FieldError {
  return invalid(
    POLICY,
    spec.ipFamilyPolicy,
    `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
  );
}

/** Addresses that were given say their families. */
function inferFamilies(spec: V1ServiceSpec, cluster: ClusterIps): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === HEADLESS) break;
    const family = parseIp(address)?.family;
    if (family === undefined || index < (spec.ipFamilies ?? []).length) continue;
    if (cluster.isConfigured(family)) (spec.ipFamilies ??= []).push(family);
    else
      errors.push(invalid(`spec.clusterIPs[${index}]`, spec.clusterIPs, `${family} is not configured on this cluster`));
  }
  return errors;
}

function isSelectorless({ selector }: V1ServiceSpec): boolean {
  return selector === undefined || Object.keys(selector).length === 0;
}

function otherFamily(family: string): IpFamily {
  return family === 'IPv4' ? 'IPv6' : 'IPv4';
}
