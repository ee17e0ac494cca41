import type { Clock } from '../../lib/clock/clock.js';
import type { V1Container, V1Pod, V1Secret } from '../../lib/schema/generated/types.js';
import type { EventRecorder } from '../../lib/work/event-recorder.js';
import { RuntimeError, type Runtime, type SandboxConfig } from '../runtime/runtime.js';
import type { ImageUser } from './container-security.js';
import { parseImage } from './image-reference.js';
import type { PodObjects } from './pod-objects.js';
import { registryCredentials } from './registry-credentials.js';

export interface LocalImage {
  id: string;
  sizeBytes: number;
  user: ImageUser;
}

/** The runtime's images as far as pods need them. */
export interface ImageStore {
  /** Undefined when it is not here. */
  find(image: string): Promise<LocalImage | undefined>;
}

export interface ImagePullerOptions {
  runtime: Runtime;
  images: ImageStore;
  objects: PodObjects;
  events: EventRecorder;
  clock: Clock;
  /** Told of each image that was pulled, for those who clean up. */
  onPulled(id: string): void;
}

/** Pulls at one time: more would only share the network, and unpacking takes a core each. */
const PULLS_MAX = 3;

/** Brings images to the node by their pull policies, with the kubelet's reasons, events and words. */
export class ImagePuller {
  readonly #options: ImagePullerOptions;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: ImagePullerOptions) {
    this.#options = options;
  }

  /** Resolves with the image. Throws a `RuntimeError`. */
  async ensure(pod: V1Pod, spec: V1Container, sandbox: SandboxConfig, signal: AbortSignal): Promise<LocalImage> {
    const { events } = this.#options;
    const name = spec.image ?? '';
    if (parseImage(name) === undefined) {
      const why = /[A-Z]/.test(name.split(/[:@]/)[0] ?? '') ? ': repository name must be lowercase' : '';
      const message = `Failed to apply default image tag ${JSON.stringify(name)}: couldn't parse image name ${JSON.stringify(name)}: invalid reference format${why}`;
      await events.warning(pod, 'InspectFailed', message);
      throw new RuntimeError('InvalidImageName', message);
    }
    const policy = spec.imagePullPolicy ?? 'IfNotPresent';
    const present = await this.#find(pod, name);
    if (present !== undefined && policy !== 'Always') {
      const text = `Container image ${JSON.stringify(name)} already present on machine and can be accessed by the pod`;
      await events.normal(pod, 'Pulled', text);
      return present;
    }
    if (policy === 'Never') {
      const message = `Container image ${JSON.stringify(name)} is not present with pull policy of Never`;
      await events.warning(pod, 'ErrImageNeverPull', message);
      throw new RuntimeError('ErrImageNeverPull', message);
    }
    return this.#pull(pod, name, sandbox, signal);
  }

  async #find(pod: V1Pod, name: string): Promise<LocalImage | undefined> {
    try {
      return await this.#options.images.find(name);
    } catch (error) {
      const message = `Failed to inspect image ${JSON.stringify(name)}: ${messageOf(error)}`;
      await this.#options.events.warning(pod, 'InspectFailed', message);
      throw new RuntimeError('ImageInspectError', message, { cause: error });
    }
  }

  async #pull(pod: V1Pod, name: string, sandbox: SandboxConfig, signal: AbortSignal): Promise<LocalImage> {
    const { runtime, images, events, clock } = this.#options;
    const askedMs = clock.now();
    await events.normal(pod, 'Pulling', `Pulling image ${JSON.stringify(name)}`);
    await this.#enter();
    const beganMs = clock.now();
    try {
      const credentials = registryCredentials(name, await this.#secrets(pod));
      const id = await runtime.pullImage(name, sandbox, { credentials, signal });
      const image = (await images.find(name)) ?? (await images.find(id));
      if (image === undefined) throw new RuntimeError('ErrImagePull', `image ${name} is not there after its pull`);
      this.#options.onPulled(image.id);
      const endMs = clock.now();
      await events.normal(
        pod,
        'Pulled',
        `Successfully pulled image ${JSON.stringify(name)} in ${seconds(endMs - beganMs)} (${seconds(endMs - askedMs)} including waiting). Image size: ${image.sizeBytes} bytes.`,
      );
      return image;
    } catch (error) {
      await events.warning(pod, 'Failed', `Failed to pull image ${JSON.stringify(name)}: ${messageOf(error)}`);
      throw error;
    } finally {
      this.#leave();
    }
  }

  /** Pull secrets that are not there are passed over, as the kubelet does: the pull may do without. */
  async #secrets(pod: V1Pod): Promise<V1Secret[]> {
    const found: V1Secret[] = [];
    for (const { name } of pod.spec?.imagePullSecrets ?? []) {
      if (!name) continue;
      try {
        const secret = await this.#options.objects.secret(pod.metadata?.namespace ?? '', name);
        if (secret !== undefined) found.push(secret);
      } catch {
        await this.#options.events.warning(
          pod,
          'FailedToRetrieveImagePullSecret',
          `Unable to retrieve some image pull secrets (${name}); attempting to pull the image may not succeed.`,
        );
      }
    }
    return found;
  }

  async #enter(): Promise<void> {
    if (this.#running >= PULLS_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(3)}s`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
