import type { LogOptions } from '../functions/apiserver/registry/node-connection.js';
import { badRequest, type ApiError } from '../lib/api/errors.js';
import type { V1Pod } from '../lib/schema/generated/types.js';

/** The kubelet's words for why there is no log. */
export function noLog(pod: V1Pod, { container, previous }: LogOptions): ApiError {
  const where = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod.metadata?.name ?? '')}`;
  if (previous) return badRequest(`previous terminated ${where} not found`);
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  const status = [...initContainerStatuses, ...containerStatuses].find(({ name }) => name === container);
  if (status === undefined) return badRequest(`${where} is not available`);
  const { reason } = status.state?.waiting ?? {};
  return badRequest(`${where} is waiting to start: ${WAITING[reason ?? ''] ?? reason ?? 'no logs yet'}`);
}

const WAITING: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
};
