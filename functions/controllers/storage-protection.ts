import type { KubernetesObject } from '../../lib/api/meta.js';
import { keyOf, parseKey } from '../../lib/client/client.js';
import type { IndexFunction } from '../../lib/client/replica.js';
import {
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  volumeAttributesClasses,
} from '../../lib/client/resources.js';
import type { Resource } from '../../lib/client/resource.js';
import type { V1PersistentVolume, V1PersistentVolumeClaim, V1Pod } from '../../lib/schema/generated/types.js';
import { STORAGE_FINALIZERS } from '../../lib/storage/finalizers.js';
import { watch, watchSelf, type Controller, type ControllerContext } from '../../lib/work/controller.js';
import { controllerOf } from './shared/owners.js';

/** Lets a deleted claim go once no pod that was given to a node uses it. */
export const claimProtectionController: Controller = {
  name: 'pvc-protection',
  watches: [
    watchSelf(persistentVolumeClaims),
    watch(pods, ({ type, object, previous }) =>
      type === 'deleted' || isShutDown(object) !== isShutDown(previous ?? {})
        ? claimNames(object).map((name) => `${object.metadata?.namespace ?? ''}/${name}`)
        : [],
    ),
  ],
  async reconcile(key, context) {
    const { namespace, name } = parseKey(key);
    const claim = (await context.view(persistentVolumeClaims)).get(namespace, name);
    if (claim?.metadata?.deletionTimestamp === undefined) return;
    const users = (await context.view(pods)).by(podsByClaim, key);
    if (!users.some((pod) => uses(pod, claim))) await release(context, persistentVolumeClaims, claim);
  },
};

/** Lets a deleted volume go once it is bound to no claim. */
export const volumeProtectionController: Controller = {
  name: 'pv-protection',
  watches: [watchSelf(persistentVolumes)],
  async reconcile(key, context) {
    const volume = (await context.view(persistentVolumes)).get(undefined, key);
    if (volume?.metadata?.deletionTimestamp === undefined || volume.status?.phase === 'Bound') return;
    await release(context, persistentVolumes, volume);
  },
};

/** Lets a deleted volume attributes class go once no claim and no volume names it. */
export const attributesClassProtectionController: Controller = {
  name: 'vac-protection',
  watches: [
    watchSelf(volumeAttributesClasses),
    watch(persistentVolumeClaims, ({ object, previous }) => [
      ...new Set([...classesOfClaim(object), ...classesOfClaim(previous)]),
    ]),
    watch(persistentVolumes, ({ object, previous }) => [
      ...new Set([...classesOfVolume(object), ...classesOfVolume(previous)]),
    ]),
  ],
  async reconcile(key, context) {
    const found = (await context.view(volumeAttributesClasses)).get(undefined, key);
    if (found?.metadata?.deletionTimestamp === undefined) return;
    const isUsed =
      (await context.view(persistentVolumeClaims)).by(classesOfClaim, key).length > 0 ||
      (await context.view(persistentVolumes)).by(classesOfVolume, key).length > 0;
    if (!isUsed) await release(context, volumeAttributesClasses, found);
  },
};

/** Takes the finalizer away. The object's version keeps what was read true: nobody begins to use what is being deleted. */
async function release<T extends KubernetesObject>(
  { client }: ControllerContext,
  resource: Resource<T>,
  object: T,
): Promise<void> {
  const finalizer = STORAGE_FINALIZERS[`${resource.group}/${resource.plural}`] ?? '';
  const finalizers = object.metadata?.finalizers ?? [];
  if (!finalizers.includes(finalizer)) return;
  const metadata = { ...object.metadata, finalizers: finalizers.filter((one) => one !== finalizer) };
  await client.update(resource, { ...object, metadata });
}

/** A pod that no node has yet does not hold a claim: kubelets start none with a claim that is being deleted. */
function uses(pod: V1Pod, claim: V1PersistentVolumeClaim): boolean {
  if ((pod.spec?.nodeName ?? '') === '') return false;
  const name = claim.metadata?.name ?? '';
  return (pod.spec?.volumes ?? []).some(
    (volume) =>
      volume.persistentVolumeClaim?.claimName === name ||
      (volume.ephemeral !== undefined &&
        !isShutDown(pod) &&
        `${pod.metadata?.name}-${volume.name}` === name &&
        controllerOf(claim)?.uid === pod.metadata?.uid),
  );
}

/** Only its finalizers keep such a pod, which may themselves wait for the claim. */
function isShutDown({ metadata }: V1Pod): boolean {
  return metadata?.deletionTimestamp !== undefined && Number(metadata.deletionGracePeriodSeconds ?? 1) === 0;
}

function claimNames(pod: V1Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap(({ name, ephemeral, persistentVolumeClaim }) => {
    if (persistentVolumeClaim !== undefined) return [persistentVolumeClaim.claimName];
    return ephemeral === undefined ? [] : [`${pod.metadata?.name}-${name}`];
  });
}

const podsByClaim: IndexFunction<V1Pod> = (pod) =>
  claimNames(pod).map((name) => keyOf({ metadata: { namespace: pod.metadata?.namespace, name } }));

const classesOfClaim = (claim: V1PersistentVolumeClaim | undefined): string[] =>
  named([
    claim?.spec?.volumeAttributesClassName,
    claim?.status?.currentVolumeAttributesClassName,
    claim?.status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ]);

const classesOfVolume = (volume: V1PersistentVolume | undefined): string[] =>
  named([volume?.spec?.volumeAttributesClassName]);

function named(names: readonly (string | undefined)[]): string[] {
  return [...new Set(names)].filter((name): name is string => name !== undefined && name !== '');
}
