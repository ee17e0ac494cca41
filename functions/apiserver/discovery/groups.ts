import type { Catalog, Resource } from '../registry/catalog.js';
import { SCALE_KIND } from '../registry/scale.js';
import type { Verb } from '../resources/kind.js';

/** One group as discovery tells of it: its versions, the preferred one first, and their resources by name. */
export interface DiscoveredGroup {
  readonly group: string;
  readonly versions: readonly DiscoveredVersion[];
}

export interface DiscoveredVersion {
  readonly version: string;
  readonly resources: readonly DiscoveredResource[];
}

export interface DiscoveredResource {
  readonly resource: Resource;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly DiscoveredSubresource[];
  /** What its objects are stored as; undefined for what is not stored. */
  readonly stored: Resource | undefined;
}

export interface DiscoveredSubresource {
  readonly name: string;
  readonly verbs: readonly Verb[];
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
}

/** Clients that look for a kind by its plural alone take the first group that has it; this is Kubernetes' order. */
const GROUP_ORDER = [
  '',
  'apiregistration.k8s.io',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'networking.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'scheduling.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
  'flowcontrol.apiserver.k8s.io',
];

/** Kinds of options that some subresources take as their object. */
const OPTION_KINDS: Readonly<Record<string, string>> = {
  'pods/attach': 'PodAttachOptions',
  'pods/exec': 'PodExecOptions',
  'pods/portforward': 'PodPortForwardOptions',
  'pods/proxy': 'PodProxyOptions',
  'services/proxy': 'ServiceProxyOptions',
  'nodes/proxy': 'NodeProxyOptions',
};

const VIEW_VERBS: readonly Verb[] = ['get', 'patch', 'update'];

/** All groups in the order of discovery. */
export function discoverGroups(catalog: Catalog): DiscoveredGroup[] {
  const groups = new Map<string, Map<string, DiscoveredResource[]>>();
  for (const resource of catalog.all()) {
    let versions = groups.get(resource.group);
    if (versions === undefined) groups.set(resource.group, (versions = new Map()));
    let resources = versions.get(resource.version);
    if (resources === undefined) versions.set(resource.version, (resources = []));
    resources.push(describe(catalog, resource));
  }
  return [...groups]
    .map(([group, versions]) => ({ group, versions: sortVersions(versions) }))
    .toSorted((left, right) => rank(left.group) - rank(right.group) || compare(left.group, right.group));
}

function describe(catalog: Catalog, resource: Resource): DiscoveredResource {
  const { definition, group, version, kind } = resource;
  const own = { group, version, kind };
  const subresources: DiscoveredSubresource[] = [];
  if (definition.hasStatus === true) subresources.push({ name: 'status', verbs: VIEW_VERBS, kind: own });
  if (definition.scale !== undefined) subresources.push({ name: 'scale', verbs: VIEW_VERBS, kind: SCALE_KIND });
  for (const { name, verbs, bodyKind } of definition.subresources ?? []) {
    const option = OPTION_KINDS[`${resource.plural}/${name}`];
    const asKind = bodyKind ?? (option === undefined ? own : { group: '', version: 'v1', kind: option });
    subresources.push({ name, verbs: verbs.toSorted(), kind: asKind });
  }
  return {
    resource,
    verbs: [...resource.verbs].toSorted(),
    subresources: subresources.toSorted((left, right) => compare(left.name, right.name)),
    stored: isStored(resource) ? storedAs(catalog, resource) : undefined,
  };
}

/** Questions and connections are created and gone; others are only looked at. */
function isStored({ verbs }: Resource): boolean {
  return verbs.has('create') && verbs.has('get');
}

function storedAs(catalog: Catalog, resource: Resource): Resource | undefined {
  const { group, plural, custom } = resource.definition;
  return custom === undefined ? catalog.storage(resource) : catalog.stored(group, plural);
}

function sortVersions(versions: Map<string, DiscoveredResource[]>): DiscoveredVersion[] {
  return [...versions]
    .map(([version, resources]) => ({
      version,
      resources: resources.toSorted((left, right) => compare(left.resource.plural, right.resource.plural)),
    }))
    .toSorted((left, right) => compareVersions(left.version, right.version));
}

function rank(group: string): number {
  const at = GROUP_ORDER.indexOf(group);
  return at < 0 ? GROUP_ORDER.length : at;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Kubernetes' order of versions: stable before beta before alpha, newer before older, others last by name. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [parseVersion(left), parseVersion(right)];
  if (a === undefined || b === undefined) return a === b ? compare(left, right) : a === undefined ? 1 : -1;
  return b.stability - a.stability || b.major - a.major || b.minor - a.minor;
}

function parseVersion(version: string): { major: number; stability: number; minor: number } | undefined {
  const match = /^v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?$/.exec(version);
  if (match === null) return undefined;
  const stability = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
  return { major: Number(match[1]), stability, minor: Number(match[3] ?? 0) };
}
