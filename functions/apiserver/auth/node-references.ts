import type { V1Container, V1EphemeralContainer, V1Pod, V1Volume } from '../../../lib/schema/generated/types.js';
import { isStoreError } from '../../../lib/store/errors.js';
import type { Store } from '../../../lib/store/store.js';
import type { NodeReferences, ReferencedResource } from './node-authorizer.js';

const PODS_COLLECTION = 'core/pods';
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

interface KnownPod {
  /** '' while the pod is not bound. */
  nodeName: string;
  /** `<resource>/<namespace>/<name>` */
  references: ReadonlySet<string>;
}

/**
 * What the pods of each node refer to, kept current by the pods' change log: one small read for each question, and a pod is parsed
 * only until it is bound, since references of a pod do not change afterwards (ephemeral containers excepted: see `refersTo`).
 */
export class StoreNodeReferences implements NodeReferences {
  readonly #store: Store;
  readonly #pods = new Map<string, KnownPod>();
  readonly #keysByNode = new Map<string, Set<string>>();
  /** The log is applied up to here; undefined before the first list. */
  #revision: number | undefined;
  #updating: Promise<void> | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  async refersTo(nodeName: string, resource: ReferencedResource, namespace: string, name: string): Promise<boolean> {
    await this.#update();
    const wanted = `${resource}/${namespace}/${name}`;
    if (this.#known(nodeName, wanted)) return true;
    return this.#refresh(nodeName, namespace, wanted);
  }

  #known(nodeName: string, wanted: string): boolean {
    for (const key of this.#keysByNode.get(nodeName) ?? [])
      if (this.#pods.get(key)?.references.has(wanted)) return true;
    return false;
  }

  /** Reads the node's pods of a namespace again, before a refusal: an ephemeral container may have brought a reference. */
  async #refresh(nodeName: string, namespace: string, wanted: string): Promise<boolean> {
    const keys = Array.from(this.#keysByNode.get(nodeName) ?? []);
    for (const key of keys) {
      if (!key.startsWith(`${namespace}/`)) continue;
      const stored = await this.#store.get(PODS_COLLECTION, key);
      if (stored !== undefined) this.#learn(key, stored.body);
    }
    return this.#known(nodeName, wanted);
  }

  /**
   * Brings the index to the newest revision. A question may share only an update that begins after it was asked, so it waits
   * for a running one and starts the next.
   */
  async #update(): Promise<void> {
    if (this.#updating !== undefined) await this.#updating.catch(() => undefined);
    this.#updating ??= this.#catchUp().finally(() => (this.#updating = undefined));
    await this.#updating;
  }

  async #catchUp(): Promise<void> {
    if (this.#revision === undefined) return this.#relist();
    const newest = await this.#store.revision(PODS_COLLECTION);
    while (this.#revision < newest) {
      try {
        const changes = await this.#store.changes(PODS_COLLECTION, this.#revision);
        for (const event of changes.events) {
          if (event.type === 'deleted') this.#forget(event.key);
          else if (event.type === 'created' || this.#pods.get(event.key)?.nodeName === '')
            this.#learn(event.key, event.body);
        }
        this.#revision = changes.revision;
      } catch (error) {
        if (!isStoreError(error, 'compacted')) throw error;
        return this.#relist();
      }
    }
  }

  async #relist(): Promise<void> {
    const { items, revision } = await this.#store.list(PODS_COLLECTION);
    this.#pods.clear();
    this.#keysByNode.clear();
    for (const { key, body } of items) this.#learn(key, body);
    this.#revision = revision;
  }

  #learn(key: string, body: Uint8Array): void {
    this.#forget(key);
    const pod = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) as V1Pod;
    const nodeName = pod.spec?.nodeName ?? '';
    this.#pods.set(key, { nodeName, references: nodeName === '' ? NO_REFERENCES : referencesOf(pod) });
    const keys = this.#keysByNode.get(nodeName);
    if (nodeName === '') return;
    if (keys === undefined) this.#keysByNode.set(nodeName, new Set([key]));
    else keys.add(key);
  }

  #forget(key: string): void {
    const known = this.#pods.get(key);
    if (known === undefined) return;
    this.#pods.delete(key);
    const keys = this.#keysByNode.get(known.nodeName);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysByNode.delete(known.nodeName);
  }
}

const NO_REFERENCES: ReadonlySet<string> = new Set();

/** What a bound pod opens to its node. A mirror pod came from the node and opens nothing. */
function referencesOf(pod: V1Pod): ReadonlySet<string> {
  return pod.metadata?.annotations?.[MIRROR_ANNOTATION] === undefined ? podReferences(pod) : NO_REFERENCES;
}

/** `<resource>/<namespace>/<name>` of all objects that a pod refers to and its kubelet needs. */
export function podReferences(pod: V1Pod): Set<string> {
  const references = new Set<string>();
  const namespace = pod.metadata?.namespace ?? '';
  const add = (resource: ReferencedResource, name: string | undefined): void => {
    if (name) references.add(`${resource}/${namespace}/${name}`);
  };
  const spec = pod.spec;
  add('serviceaccounts', spec?.serviceAccountName);
  for (const { name } of spec?.imagePullSecrets ?? []) add('secrets', name);
  for (const container of [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
    ...(spec?.ephemeralContainers ?? []),
  ])
    addContainer(container, add);
  for (const volume of spec?.volumes ?? []) addVolume(volume, pod.metadata?.name ?? '', add);
  return references;
}

type Add = (resource: ReferencedResource, name: string | undefined) => void;

function addContainer(container: V1Container | V1EphemeralContainer, add: Add): void {
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    add('configmaps', configMapRef?.name);
    add('secrets', secretRef?.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    add('configmaps', valueFrom?.configMapKeyRef?.name);
    add('secrets', valueFrom?.secretKeyRef?.name);
  }
}

function addVolume(volume: V1Volume, podName: string, add: Add): void {
  add('configmaps', volume.configMap?.name);
  for (const source of volume.projected?.sources ?? []) {
    add('configmaps', source.configMap?.name);
    add('secrets', source.secret?.name);
  }
  add('secrets', volume.secret?.secretName);
  add('secrets', volume.csi?.nodePublishSecretRef?.name);
  add('secrets', volume.azureFile?.secretName);
  for (const source of [
    volume.cephfs,
    volume.cinder,
    volume.flexVolume,
    volume.iscsi,
    volume.rbd,
    volume.scaleIO,
    volume.storageos,
  ])
    add('secrets', source?.secretRef?.name);
  add('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName);
  if (volume.ephemeral !== undefined) add('persistentvolumeclaims', `${podName}-${volume.name}`);
}
