import { methodNotAllowed, pathNotFound } from '../../../lib/api/errors.js';
import type { KubernetesObject } from '../../../lib/api/meta.js';
import type { SubresourceDefinition } from '../resources/kind.js';
import { admitBody } from './admit.js';
import type { Call, Registry } from './context.js';
import { connectionOf } from './connection.js';
import { decodeBody, type ExpectedKind } from './decode.js';
import { matchNamespace, withMeta } from './metadata.js';
import { negotiate } from './negotiate.js';
import { readWriteOptions } from './options.js';
import { finish } from './present.js';
import type { ApiResponse } from './request.js';
import { RawAnswer, type SubresourceHandler, type SubresourceRequest } from './subresource.js';
import { stringifyJson } from '../../../lib/json/stringify.js';

/** A subresource that is an action (binding, eviction, token, log), answered by the handler registered for it. */
export async function handleAction(
  registry: Registry,
  call: Call,
  verb: 'get' | 'create' | 'update',
): Promise<ApiResponse> {
  const { resource, path } = call;
  const declared = resource.definition.subresources?.find(({ name }) => name === path.subresource);
  const handler =
    registry.subresources[`${resource.plural}/${path.subresource}`] ?? registry.subresources[path.subresource];
  if (declared === undefined || handler === undefined) throw pathNotFound();
  return run(registry, call, { verb, handler, expected: bodyOf(call, declared) });
}

/** A kind that is never stored: a question that its handler answers. */
export async function handleReview(registry: Registry, call: Call): Promise<ApiResponse> {
  const handler = registry.reviews[call.resource.kind];
  if (handler === undefined) throw methodNotAllowed(call.resource.target, 'create');
  return run(registry, call, { verb: 'create', handler, expected: call.resource });
}

function bodyOf(call: Call, declared: SubresourceDefinition): ExpectedKind {
  const { bodyKind } = declared;
  return bodyKind === undefined ? call.resource : { ...bodyKind, schema: bodyKind.definition };
}

async function run(
  registry: Registry,
  call: Call,
  action: { verb: 'get' | 'create' | 'update'; handler: SubresourceHandler; expected: ExpectedKind },
): Promise<ApiResponse> {
  const { verb, handler, expected } = action;
  const method = handler[verb];
  if (method === undefined) throw methodNotAllowed(call.resource.target, verb);
  const representation = negotiate(call.request.header('accept'), { table: false, partial: false });
  const options = readWriteOptions(call.query, verb === 'update' ? 'UpdateOptions' : 'CreateOptions');
  let body: KubernetesObject | undefined;
  if (verb !== 'get' && handler.takesNoBody !== true) {
    body = await decodeBody(registry, call, expected, options);
    matchNamespace(withMeta(body), call.path.namespace);
    const operation = verb === 'create' ? 'CREATE' : 'UPDATE';
    await admitBody(registry, call, { operation, body, expected, dryRun: options.dryRun });
  }
  const connection = connectionOf(call);
  if (connection !== undefined) {
    await admitBody(registry, call, { operation: 'CONNECT', ...connection, dryRun: false });
  }
  const request: SubresourceRequest = {
    registry,
    call,
    namespace: call.path.namespace,
    name: call.path.name,
    body,
    options,
  };
  const answer = await method.call(handler, request);
  if (answer instanceof RawAnswer) return answer.response;
  return finish(call, representation, verb === 'create' ? 201 : 200, Buffer.from(stringifyJson(answer)));
}
