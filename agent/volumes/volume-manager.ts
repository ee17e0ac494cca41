import { chmod, chown, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { quantityValue } from '../../lib/api/quantity-number.js';
import { sleep, type Clock } from '../../lib/clock/clock.js';
import type { V1Container, V1Pod, V1Volume } from '../../lib/schema/generated/types.js';
import { expandStrictly } from '../kubelet/expand.js';
import { VolumeError } from '../kubelet/pod-environment.js';
import type { ContainerMount } from '../runtime/runtime.js';
import { writeAtomically } from './atomic-folder.js';
import { checkHostPath } from './host-path.js';
import type { Mounter } from './mounts.js';
import { hasCredentials, volumePayload, type PayloadSources } from './payload.js';
import { bindSubPath } from './sub-path.js';

export interface VolumeManagerOptions {
  /** What belongs to pods lives below it, by their uids. */
  folder: string;
  clock: Clock;
  mounter: Mounter;
  sources: PayloadSources;
  /** Mounted files follow their objects at least this fast; default REFRESH_INTERVAL_MS. */
  refreshMs?: number;
  log(level: 'info' | 'warn', message: string, data: Record<string, unknown>): void;
}

/** Half of what the kubelet's own cache takes at most. */
const REFRESH_INTERVAL_MS = 30_000;

/** The volumes of the pods of a node: made before their containers, kept current, removed after them. */
export class VolumeManager {
  readonly #options: VolumeManagerOptions;
  /** Pods whose volumes are ready, by uid, with what they were made from. */
  readonly #ready = new Map<string, { pod: V1Pod; version: string }>();
  readonly #stop = new AbortController();
  #refreshing: Promise<void> | undefined;

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
  }

  /** Mounts what all pods share, and begins to keep files current. */
  async start(): Promise<void> {
    const { mounter } = this.#options;
    await mkdir(this.#memory, { recursive: true, mode: 0o711 });
    if ((await mounter.below(this.#memory)).length === 0) await mounter.tmpfs(this.#memory, { mode: '0711' });
    this.#refreshing = this.#refresh();
  }

  /** Stops keeping files current. Volumes stay as they are. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#refreshing;
  }

  /** Makes all volumes of a pod ready. Throws a `VolumeError`. */
  async prepare(pod: V1Pod): Promise<void> {
    const uid = pod.metadata?.uid ?? '';
    const version = JSON.stringify([pod.metadata?.labels, pod.metadata?.annotations]);
    if (this.#ready.get(uid)?.version === version) return;
    await mkdir(this.podFolder(uid), { recursive: true, mode: 0o750 });
    for (const volume of pod.spec?.volumes ?? []) {
      try {
        await this.#setUp(pod, volume);
      } catch (error) {
        throw new VolumeError(
          `MountVolume.SetUp failed for volume ${JSON.stringify(volume.name)} : ${messageOf(error)}`,
          { cause: error },
        );
      }
    }
    this.#ready.set(uid, { pod, version });
  }

  /** The mounts of a container. `lookUp` knows its environment, for subPathExpr. Throws with the kubelet's words. */
  async mounts(pod: V1Pod, spec: V1Container, lookUp: (name: string) => string | undefined): Promise<ContainerMount[]> {
    const uid = pod.metadata?.uid ?? '';
    const mounts: ContainerMount[] = [];
    for (const [index, mount] of (spec.volumeMounts ?? []).entries()) {
      const volume = pod.spec?.volumes?.find(({ name }) => name === mount.name);
      if (volume === undefined) throw new Error(`volume ${JSON.stringify(mount.name)} not found`);
      const base = this.#hostPath(uid, volume);
      const subPath = mount.subPathExpr ? expandStrictly(mount.subPathExpr, lookUp) : (mount.subPath ?? '');
      if (path.isAbsolute(subPath)) throw new Error(`error SubPath \`${subPath}\` must not be an absolute path`);
      if (subPath.split('/').includes('..')) {
        throw new Error(`unable to provision SubPath \`${subPath}\`: must not contain '..'`);
      }
      mounts.push({
        containerPath: mount.mountPath.startsWith('/') ? mount.mountPath : `/${mount.mountPath}`,
        hostPath:
          subPath === '' ? base : await this.#bind(pod, spec, { index, volume: base, subPath, name: mount.name }),
        readOnly: (mount.readOnly ?? false) || isFiles(volume),
        propagation: (mount.mountPropagation as ContainerMount['propagation'] | undefined) ?? 'None',
      });
    }
    return mounts;
  }

  /** Where a pod's things are. */
  podFolder(uid: string): string {
    return path.join(this.#options.folder, 'pods', uid);
  }

  /** Where an empty directory of a pod is. */
  emptyDirFolder(uid: string, volume: V1Volume): string {
    return this.#hostPath(uid, volume);
  }

  /** Unmounts and removes all that a pod had. */
  async release(uid: string): Promise<void> {
    const { mounter, sources } = this.#options;
    this.#ready.delete(uid);
    sources.tokens.forget(uid);
    for (const folder of [this.podFolder(uid), path.join(this.#memory, uid)]) {
      const mounted = await mounter.below(folder);
      for (const target of mounted.reverse()) await mounter.unmount(target);
      // What could not be unmounted must not be emptied.
      if ((await mounter.below(folder)).length > 0) throw new Error(`${folder} has mounts that do not end`);
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** The pods that have anything here. */
  async known(): Promise<string[]> {
    const lists = await Promise.all(
      [path.join(this.#options.folder, 'pods'), this.#memory].map((folder) => readdir(folder).catch(() => [])),
    );
    return [...new Set(lists.flat())];
  }

  /** Ends even what is shared: nothing of ours stays mounted. */
  async destroy(): Promise<void> {
    await this.stop();
    const { mounter } = this.#options;
    for (const uid of await this.known()) await this.release(uid);
    for (const target of await mounter.below(this.#memory)) await mounter.unmount(target);
  }

  get #memory(): string {
    return path.join(this.#options.folder, 'memory');
  }

  async #setUp(pod: V1Pod, volume: V1Volume): Promise<void> {
    const uid = pod.metadata?.uid ?? '';
    if (volume.hostPath !== undefined) return checkHostPath(volume.hostPath.path, volume.hostPath.type ?? '');
    if (volume.emptyDir !== undefined) return this.#emptyDir(pod, volume);
    if (isFiles(volume)) return this.#writeFiles(pod, volume, 0);
    const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'no source';
    throw new Error(`this node mounts no volumes of ${kind} (pod ${uid})`);
  }

  async #writeFiles(pod: V1Pod, volume: V1Volume, maxAgeMs: number): Promise<void> {
    const payload = await volumePayload(pod, volume, this.#options.sources, { maxAgeMs });
    if (payload === undefined) return;
    const folder = this.#hostPath(pod.metadata?.uid ?? '', volume);
    await writeAtomically(folder, payload, { group: pod.spec?.securityContext?.fsGroup });
    await chmod(folder, pod.spec?.securityContext?.fsGroup === undefined ? 0o755 : 0o2775);
  }

  async #emptyDir(pod: V1Pod, volume: V1Volume): Promise<void> {
    const { mounter } = this.#options;
    const folder = this.#hostPath(pod.metadata?.uid ?? '', volume);
    const isThere = (await lstat(folder).catch(() => undefined)) !== undefined;
    await mkdir(folder, { recursive: true });
    const { medium, sizeLimit } = volume.emptyDir ?? {};
    const isMemory = medium === 'Memory';
    if (isMemory && (await mounter.below(folder)).length === 0) {
      const sizeBytes = sizeLimit === undefined ? undefined : quantityValue(sizeLimit);
      await mounter.tmpfs(folder, { mode: '0777', ...(sizeBytes ? { sizeBytes } : {}) });
    } else if (isThere) return;
    await chmod(folder, 0o777);
    const group = pod.spec?.securityContext?.fsGroup;
    if (group === undefined) return;
    await chown(folder, 0, group);
    await chmod(folder, 0o2777);
  }

  async #bind(
    pod: V1Pod,
    spec: V1Container,
    mount: { index: number; volume: string; subPath: string; name: string },
  ): Promise<string> {
    const uid = pod.metadata?.uid ?? '';
    try {
      return await bindSubPath({
        mounter: this.#options.mounter,
        volume: mount.volume,
        subPath: mount.subPath,
        target: path.join(this.podFolder(uid), 'subpaths', spec.name, String(mount.index)),
        group: pod.spec?.securityContext?.fsGroup,
      });
    } catch (error) {
      throw new Error(
        `failed to prepare subPath for volumeMount ${JSON.stringify(mount.name)} of container ${JSON.stringify(spec.name)}: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  #hostPath(uid: string, volume: V1Volume): string {
    if (volume.hostPath !== undefined) return volume.hostPath.path;
    if (hasCredentials(volume)) return path.join(this.#memory, uid, volume.name);
    return path.join(this.podFolder(uid), 'volumes', volume.name);
  }

  async #refresh(): Promise<void> {
    const { clock, log, refreshMs = REFRESH_INTERVAL_MS } = this.#options;
    const { signal } = this.#stop;
    for (;;) {
      await sleep(clock, refreshMs, signal);
      for (const [uid, { pod }] of this.#ready) {
        for (const volume of pod.spec?.volumes ?? []) {
          if (signal.aborted) return;
          if (!isFiles(volume) || !this.#ready.has(uid)) continue;
          await this.#writeFiles(pod, volume, refreshMs / 2).catch((error: unknown) =>
            log('warn', 'a mounted volume was not brought up to date', {
              pod: `${pod.metadata?.namespace}/${pod.metadata?.name}`,
              volume: volume.name,
              error: messageOf(error),
            }),
          );
        }
      }
      if (signal.aborted) return;
    }
  }
}

/** Volumes of files that we write. */
function isFiles({ configMap, secret, projected, downwardAPI }: V1Volume): boolean {
  return [configMap, secret, projected, downwardAPI].some((one) => one !== undefined);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
