import type { Clock } from '../../lib/clock/clock.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import type { Kubelet } from '../kubelet/kubelet.js';
import type { Container, Runtime } from '../runtime/runtime.js';
import { ServedError } from './errors.js';
import { formatLog } from './format-log.js';
import type { ContainerLogOptions } from '../../lib/api/log-options.js';
import type { PodName, ServedNode } from './served-node.js';
import type { UsageSource } from './usage-source.js';
import { whyNoLog } from './why-no-log.js';

export interface KubeletNodeOptions {
  /** Asked when a request comes: the server is bound before the kubelet starts. */
  kubelet(): Kubelet;
  runtime: Runtime;
  clock: Clock;
  usage: UsageSource;
}

/** The kubelet's pods as the agent's server shows them. */
export class KubeletNode implements ServedNode {
  readonly #options: KubeletNodeOptions;

  constructor(options: KubeletNodeOptions) {
    this.#options = options;
  }

  pods(): readonly V1Pod[] {
    return this.#options.kubelet().pods;
  }

  async findContainer(name: PodName, container: string): Promise<string | undefined> {
    const found = await this.#container(name, container, false);
    return found?.state === 'running' ? found.id : undefined;
  }

  async findSandbox(name: PodName): Promise<string | undefined> {
    const uid = this.#pod(name)?.metadata?.uid;
    return uid === undefined ? undefined : (await this.#options.kubelet().findSandbox(uid))?.id;
  }

  async logs(
    name: PodName,
    container: string,
    options: ContainerLogOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>> {
    const { runtime, clock } = this.#options;
    const pod = this.#pod(name);
    if (pod === undefined) throw new ServedError(404, `pods ${JSON.stringify(name.name)} not found`);
    const found = await this.#container(name, container, options.previous);
    if (found === undefined || found.state === 'created') {
      throw new ServedError(400, whyNoLog(pod, container, options.previous));
    }
    const present = runtime.logs(found.id, { follow: false }, signal);
    const further = options.follow ? runtime.logs(found.id, { follow: true }, signal) : undefined;
    return formatLog(present, further, options, clock.now());
  }

  get usage(): UsageSource {
    return this.#options.usage;
  }

  #pod({ namespace, name, uid }: PodName): V1Pod | undefined {
    const kubelet = this.#options.kubelet();
    const ownUid = uid === undefined ? undefined : kubelet.localUid(uid);
    return kubelet.pods.find(
      ({ metadata }) =>
        metadata?.namespace === namespace && metadata.name === name && (uid === undefined || metadata.uid === ownUid),
    );
  }

  async #container(name: PodName, container: string, previous: boolean): Promise<Container | undefined> {
    const uid = this.#pod(name)?.metadata?.uid;
    return uid === undefined ? undefined : this.#options.kubelet().findContainer(uid, container, { previous });
  }
}
