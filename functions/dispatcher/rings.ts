import { deepEqual } from '../../lib/api/equality.js';
import type { KubernetesObject } from '../../lib/api/meta.js';
import { collectionName } from '../../lib/client/resource.js';
import { endpointSlices, nodes, pods, services } from '../../lib/client/resources.js';
import type { V1Node, V1Pod } from '../../lib/schema/generated/types.js';
import type { Lookup, ObjectChange } from '../../lib/work/controller.js';

const PODS = collectionName(pods);
const NODES = collectionName(nodes);
/** What every node's proxy and DNS are made from. */
const EVERYBODYS = new Set([collectionName(services), collectionName(endpointSlices)]);

/** Whether changes of the collection concern nodes. */
export function rings(collection: string): boolean {
  return collection === PODS || collection === NODES || EVERYBODYS.has(collection);
}

/**
 * The nodes that should look because of a change. What a node reported itself is not told to it: a pod's status, and of a node all but its
 * specification and being given up.
 */
export async function nodesToRing(
  collection: string,
  change: ObjectChange<KubernetesObject>,
  lookup: Lookup,
): Promise<readonly string[]> {
  if (collection === PODS) return podNodes(change as ObjectChange<V1Pod>);
  if (collection === NODES) return nodeItself(change as ObjectChange<V1Node>);
  if (!EVERYBODYS.has(collection)) return [];
  return (await lookup.view(nodes)).list().map(({ metadata }) => metadata?.name ?? '');
}

function podNodes({ type, object, previous }: ObjectChange<V1Pod>): string[] {
  const names = new Set([object.spec?.nodeName, previous?.spec?.nodeName].filter((name) => !!name) as string[]);
  if (names.size === 0) return [];
  return type === 'updated' && previous !== undefined && deepEqual(wish(previous), wish(object)) ? [] : [...names];
}

function nodeItself({ type, object, previous }: ObjectChange<V1Node>): string[] {
  if (type === 'deleted') return [];
  const name = object.metadata?.name ?? '';
  const isSame =
    previous !== undefined && deepEqual(previous.spec, object.spec) && isGivenUp(previous) === isGivenUp(object);
  return type === 'updated' && isSame ? [] : [name];
}

function isGivenUp(node: V1Node): boolean {
  return node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'Unknown';
}

/** All of a pod that is not its node's own report. */
function wish({ metadata, spec }: V1Pod): unknown {
  const { resourceVersion: _version, managedFields: _fields, generation: _generation, ...rest } = metadata ?? {};
  return { metadata: rest, spec };
}
