import { isApiError } from '../../../lib/api/errors.js';
import type { KubernetesObject, OwnerReference } from '../../../lib/api/meta.js';
import { refOf } from '../../../lib/client/client.js';
import { pods } from '../../../lib/client/resources.js';
import type { V1Pod, V1PodTemplateSpec } from '../../../lib/schema/generated/types.js';
import type { ControllerContext } from '../../../lib/work/controller.js';

/** A name is at most this long before the five characters that generateName adds. */
export const GENERATED_NAME_PREFIX_LENGTH_MAX = 58;

/** The pod that a template describes. Without `generateName` its name is generated from the owner's. */
export function podFromTemplate(
  template: V1PodTemplateSpec | undefined,
  owner: KubernetesObject,
  reference: OwnerReference,
  generateName = `${owner.metadata?.name ?? ''}-`,
): V1Pod {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  return {
    metadata: {
      namespace: owner.metadata?.namespace,
      generateName,
      labels: { ...labels },
      annotations: { ...annotations },
      ...(finalizers === undefined ? {} : { finalizers: [...finalizers] }),
      ownerReferences: [reference],
    },
    spec: structuredClone(template?.spec),
  };
}

/** Creates the pod and records it on its owner. In a namespace that is being deleted nothing is created, and that is no error. */
export async function createPod(context: ControllerContext, owner: KubernetesObject, pod: V1Pod): Promise<void> {
  let created: V1Pod;
  try {
    created = await context.client.create(pods, pod);
  } catch (error) {
    if (isNamespaceTerminating(error)) return;
    await context.events.warning(owner, 'FailedCreate', `Error creating: ${errorMessage(error)}`);
    throw error;
  }
  await context.events.normal(owner, 'SuccessfulCreate', `Created pod: ${created.metadata?.name ?? ''}`);
}

/** Deletes the pod and records it on its owner. False: it was gone already. */
export async function deletePod(context: ControllerContext, owner: KubernetesObject, pod: V1Pod): Promise<boolean> {
  const name = pod.metadata?.name ?? '';
  try {
    await context.client.delete(pods, refOf(pod), { preconditions: { uid: pod.metadata?.uid } });
  } catch (error) {
    if (isApiError(error, 'NotFound')) return false;
    await context.events.warning(owner, 'FailedDelete', `Error deleting: ${errorMessage(error)}`);
    throw new Error(`unable to delete pods: ${errorMessage(error)}`, { cause: error });
  }
  await context.events.normal(owner, 'SuccessfulDelete', `Deleted pod: ${name}`);
  return true;
}

/** The API server refuses to create anything in a namespace that is being deleted. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    isApiError(error, 'Forbidden') &&
    (error.status.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating')
  );
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
