import type { Duplex } from 'node:stream';
import { ApiError, badRequest, notFoundError } from '../../../lib/api/errors.js';
import type { V1Pod } from '../../../lib/schema/generated/types.js';
import type { Registry } from '../registry/context.js';
import { NoStreamsError } from '../registry/node-connection.js';

const PODS = { group: '', plural: 'pods' };

const WHAT: Readonly<Record<string, string>> = {
  exec: 'exec into a container',
  attach: 'attaching to a container',
  portforward: 'forwarding a port of a pod',
  proxy: 'the proxy',
};

/** A pod that has a node. Throws 404 and 400. */
export async function boundPod(registry: Registry, namespace: string, name: string): Promise<V1Pod & { spec: object }> {
  const pod = await registry.objects.get<V1Pod & { metadata: { name: string }; spec: object }>(PODS, namespace, name);
  if (pod === undefined) throw notFoundError({ group: '', resource: 'pods' }, name);
  if ((pod.spec?.nodeName ?? '') === '') throw badRequest(`pod ${name} does not have a host assigned`);
  return pod;
}

/** A connection to a node's kubelet; a 501 that says why where there can be none. */
export async function dialKubelet(
  registry: Registry,
  subresource: string,
  node: string,
  signal: AbortSignal,
): Promise<Duplex> {
  const { nodeConnection } = registry;
  if (nodeConnection?.dialKubelet === undefined) throw noStreams(registry, subresource);
  try {
    return await nodeConnection.dialKubelet(node, signal);
  } catch (error) {
    if (error instanceof NoStreamsError) throw noStreams(registry, subresource, error.message);
    throw error;
  }
}

export function noStreams({ nodeConnection }: Registry, subresource: string, reason?: string): ApiError {
  const why = reason ?? nodeConnection?.whyNoStreams ?? 'this API server has no connection to nodes';
  return new ApiError({
    code: 501,
    reason: 'NotImplemented',
    message: `${WHAT[subresource] ?? subresource} is not possible: ${why}`,
    details: {},
  });
}
