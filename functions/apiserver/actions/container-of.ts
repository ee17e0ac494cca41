import { badRequest } from '../../../lib/api/errors.js';
import type { V1Pod } from '../../../lib/schema/generated/types.js';

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** The container that a log, exec or attach means: the one asked for, the pod's default or its only one. Throws 400 when that says nothing. */
export function containerOf(pod: V1Pod, asked: string): string {
  const names = (list: { name: string }[] | undefined): string[] => (list ?? []).map(({ name }) => name);
  const containers = names(pod.spec?.containers);
  const init = names(pod.spec?.initContainers);
  const ephemeral = names(pod.spec?.ephemeralContainers);
  const podName = pod.metadata?.name ?? '';
  if (asked !== '') {
    if ([...containers, ...init, ...ephemeral].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${podName}`);
  }
  const annotated = pod.metadata?.annotations?.[DEFAULT_CONTAINER];
  if (annotated !== undefined && containers.includes(annotated)) return annotated;
  if (containers.length === 1) return containers[0] as string;
  const choices = `choose one of: [${containers.join(' ')}]`;
  const initChoices = init.length === 0 ? '' : ` or one of the init containers: [${init.join(' ')}]`;
  throw badRequest(`a container name must be specified for pod ${podName}, ${choices}${initChoices}`);
}
