import { quantityMilliValue, quantityValue } from '../../lib/api/quantity-number.js';
import type { V1Container, V1Pod, V1ResourceFieldSelector } from '../../lib/schema/generated/types.js';

/** What a pod can be told of itself and its node. */
export interface DownwardFacts {
  podIps: readonly string[];
  hostIps: readonly string[];
  /** What stands for a limit that is not set. */
  allocatable: Readonly<Record<string, string>>;
}

/** The value of a `fieldRef`. Throws for a path that Kubernetes does not have. */
export function fieldValue(pod: V1Pod, path: string, facts: DownwardFacts): string {
  const { metadata = {}, spec } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (subscript !== null) {
    const map = subscript[1] === 'labels' ? metadata.labels : metadata.annotations;
    return map?.[subscript[2] ?? ''] ?? '';
  }
  switch (path) {
    case 'metadata.name':
      return metadata.name ?? '';
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(metadata.labels);
    case 'metadata.annotations':
      return formatMap(metadata.annotations);
    case 'spec.nodeName':
      return spec?.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec?.serviceAccountName ?? '';
    case 'spec.restartPolicy':
      return spec?.restartPolicy ?? '';
    case 'status.podIP':
      return facts.podIps[0] ?? '';
    case 'status.podIPs':
      return facts.podIps.join(',');
    case 'status.hostIP':
      return facts.hostIps[0] ?? '';
    case 'status.hostIPs':
      return facts.hostIps.join(',');
    default:
      throw new Error(`unsupported fieldPath: ${path}`);
  }
}

/** `key="value"`, one to a line, sorted. */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  const entries = Object.entries(map ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
  return entries.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n');
}

/** The value of a `resourceFieldRef` of a container, in units of its divisor, rounded up. */
export function resourceValue(
  container: Pick<V1Container, 'resources'>,
  { resource, divisor }: Pick<V1ResourceFieldSelector, 'resource' | 'divisor'>,
  facts: DownwardFacts,
): string {
  const [kind = '', ...rest] = resource.split('.');
  const name = rest.join('.');
  const { limits = {}, requests = {} } = container.resources ?? {};
  const quantity =
    kind === 'limits'
      ? (positive(limits[name]) ?? facts.allocatable[name])
      : (requests[name] ?? (kind === 'requests' ? undefined : limits[name]));
  if (kind !== 'limits' && kind !== 'requests') throw new Error(`unsupported container resource : ${resource}`);
  const unit = divisor === undefined || divisor === '0' || divisor === '' ? '1' : divisor;
  if (quantity === undefined) return '0';
  // CPU is counted in thousandths on both sides, so that `1m` and `1` both divide exactly.
  if (name === 'cpu') return String(Math.ceil(quantityMilliValue(quantity) / quantityMilliValue(unit)));
  return String(Math.ceil(quantityValue(quantity) / quantityValue(unit)));
}

function positive(quantity: string | undefined): string | undefined {
  return quantity === undefined || quantityMilliValue(quantity) === 0 ? undefined : quantity;
}
