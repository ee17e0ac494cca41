import { badRequest, notFoundError, serviceUnavailable } from '../../../lib/api/errors.js';
import type { V1Pod } from '../../../lib/schema/generated/types.js';
import type { LogOptions } from '../registry/node-connection.js';
import { readBoolean, readInteger } from '../registry/options.js';
import { containerOf } from './container-of.js';
import { RawAnswer, type SubresourceHandler, type SubresourceRequest } from '../registry/subresource.js';

const PODS = { group: '', plural: 'pods' };

/** GET pods/NAME/log: the log of one container, from the kubelet of its node. */
export const podLogHandler: SubresourceHandler = {
  async get(request) {
    const { registry, call, namespace, name } = request;
    const pod = await registry.objects.get<V1Pod & { metadata: { name: string } }>(PODS, namespace, name);
    if (pod === undefined) throw notFoundError({ group: '', resource: 'pods' }, name);
    const options = readLogOptions(request, pod);
    if ((pod.spec?.nodeName ?? '') === '') return text(nothing());
    const { nodeConnection } = registry;
    if (nodeConnection === undefined) {
      throw serviceUnavailable(
        `the log of pod ${name} cannot be read: this API server has no connection to node ${pod.spec?.nodeName}`,
      );
    }
    return text(await nodeConnection.logs(pod, options, call.request.signal));
  },
};

function text(body: AsyncIterable<Uint8Array>): RawAnswer {
  const headers = { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' };
  return new RawAnswer({ status: 200, headers, body });
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {
  yield* [];
}

function readLogOptions({ call }: SubresourceRequest, pod: V1Pod): LogOptions {
  const { query } = call;
  const tailLines = readInteger(query, 'tailLines');
  const limitBytes = readInteger(query, 'limitBytes');
  const sinceSeconds = readInteger(query, 'sinceSeconds');
  const sinceTime = query.get('sinceTime') ?? undefined;
  if (tailLines !== undefined && tailLines < 0)
    throw badRequest('tailLines: Invalid value: must be greater than or equal to 0');
  if (limitBytes !== undefined && limitBytes < 1) throw badRequest('limitBytes: Invalid value: must be greater than 0');
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    throw badRequest('at most one of `sinceTime` or `sinceSeconds` may be specified');
  }
  return {
    container: containerOf(pod, query.get('container') ?? ''),
    follow: readBoolean(query, 'follow'),
    previous: readBoolean(query, 'previous'),
    timestamps: readBoolean(query, 'timestamps'),
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(sinceTime === undefined ? {} : { sinceTime }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  };
}
