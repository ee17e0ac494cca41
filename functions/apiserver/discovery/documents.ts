import { createHash } from 'node:crypto';
import type { Resource } from '../registry/catalog.js';
import { apiVersionOf } from '../../../lib/api/meta.js';
import type { RemoteGroup } from '../aggregation/remote-discovery.js';
import type { DiscoveredGroup, DiscoveredResource, DiscoveredVersion } from './groups.js';

/** The classic discovery documents. */

export function apiVersions(serverAddress: string): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

export function apiGroupList(groups: readonly DiscoveredGroup[], remote: readonly RemoteGroup[]): object {
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: [...groups.filter(({ group }) => group !== ''), ...remote].map(groupOf),
  };
}

export function apiGroup(group: DiscoveredGroup | RemoteGroup): object {
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group) };
}

function groupOf({ group, versions }: { group: string; versions: readonly { version: string }[] }): {
  name: string;
  versions: object[];
  preferredVersion: object;
} {
  const listed = versions.map(({ version }) => ({ groupVersion: apiVersionOf(group, version), version }));
  return { name: group, versions: listed, preferredVersion: listed[0] as object };
}

export function apiResourceList(group: string, { version, resources }: DiscoveredVersion): object {
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersionOf(group, version),
    resources: resources.flatMap((one) => [resourceOf(one), ...subresourcesOf(one)]),
  };
}

function resourceOf({ resource, verbs, stored }: DiscoveredResource): object {
  const { singular, namespaced, shortNames = [], categories = [] } = resource.definition;
  return {
    name: resource.plural,
    singularName: singular,
    namespaced,
    kind: resource.kind,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(stored === undefined ? {} : { storageVersionHash: storageVersionHash(stored) }),
  };
}

/** By which clients that migrate what is stored see that it is stored in another version now; as Kubernetes makes it. */
function storageVersionHash({ group, version, kind }: Resource): string {
  return createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');
}

function subresourcesOf({ resource, subresources }: DiscoveredResource): object[] {
  return subresources.map(({ name, verbs, kind }) => ({
    name: `${resource.plural}/${name}`,
    singularName: '',
    namespaced: resource.definition.namespaced,
    ...(kind.group === resource.group && kind.version === resource.version
      ? {}
      : { group: kind.group, version: kind.version }),
    kind: kind.kind,
    verbs,
  }));
}

/** apidiscovery.k8s.io: everything about some groups in one document. */
export function aggregated(
  groups: readonly DiscoveredGroup[],
  remote: readonly RemoteGroup[],
  version: 'v2' | 'v2beta1',
): object {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: [
      ...groups.map(({ group, versions }) => ({
        metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
        versions: versions.map((one) => ({
          version: one.version,
          resources: one.resources.map(aggregatedResource),
          freshness: 'Current',
        })),
      })),
      ...remote.map(({ group, versions }) => ({
        metadata: { name: group, creationTimestamp: null },
        versions: versions.map(({ version: name, resources, isStale }) => ({
          version: name,
          resources,
          freshness: isStale ? 'Stale' : 'Current',
        })),
      })),
    ],
  };
}

function aggregatedResource({ resource, verbs, subresources }: DiscoveredResource): object {
  const { definition, group, version, kind } = resource;
  const { singular, namespaced, shortNames = [], categories = [] } = definition;
  return {
    resource: resource.plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length === 0 ? {} : { shortNames }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map((one) => ({
            subresource: one.name,
            responseKind: { group: one.kind.group, version: one.kind.version, kind: one.kind.kind },
            verbs: one.verbs,
          })),
        }),
  };
}
