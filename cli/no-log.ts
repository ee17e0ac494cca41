import { whyNoLog } from '../agent/server/why-no-log.js';
import type { LogOptions } from '../functions/apiserver/registry/node-connection.js';
import { badRequest, type ApiError } from '../lib/api/errors.js';
import type { V1Pod } from '../lib/schema/generated/types.js';

/** What a client is told that asks for a log which is not there. */
export function noLog(pod: V1Pod, { container, previous }: LogOptions): ApiError {
  return badRequest(whyNoLog(pod, container, previous));
}
