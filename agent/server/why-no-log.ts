import type { V1Pod } from '../../lib/schema/generated/types.js';

/** The kubelet's words for why a container has no log. */
export function whyNoLog(pod: V1Pod, container: string, previous: boolean): string {
  const where = `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod.metadata?.name ?? '')}`;
  if (previous) return `previous terminated ${where} not found`;
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const all = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
  const status = all.find(({ name }) => name === container);
  if (status === undefined) return `${where} is not available`;
  const { reason } = status.state?.waiting ?? {};
  return `${where} is waiting to start: ${WAITING[reason ?? ''] ?? reason ?? 'no logs yet'}`;
}

const WAITING: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
};
