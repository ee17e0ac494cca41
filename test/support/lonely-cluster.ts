import path from 'node:path';
import { ensureBuilt } from './built.js';
import { ClusterProcess } from './cluster-process.js';
import { readKubeconfig } from './e2e.js';
import { Kubectl } from './kubectl.js';
import { Machine, type Lan } from './machine.js';
import { WEB_IMAGE } from './web.js';

/** A cluster of one machine, whose control plane can be killed and started again. */
export class LonelyCluster {
  #process: ClusterProcess | undefined;
  #machine: Machine | undefined;
  #kubectl: Kubectl | undefined;
  #flags: string[] = [];

  get process(): ClusterProcess {
    return demand(this.#process);
  }

  get machine(): Machine {
    return demand(this.#machine);
  }

  get kubectl(): Kubectl {
    return demand(this.#kubectl);
  }

  async start(lan: Lan, kubectl: string, name = 'lonely'): Promise<void> {
    await ensureBuilt();
    this.#flags = ['--nodes', '0', '--bind', lan.address];
    [this.#machine, this.#process] = await Promise.all([
      Machine.start({ lan, name, images: [WEB_IMAGE] }),
      ClusterProcess.start({ flags: this.#flags }),
    ]);
    const { folder, kubeconfig } = this.#process;
    this.#kubectl = new Kubectl(kubectl, { kubeconfig, home: path.join(folder, 'home') });
    this.#machine.join(path.join(folder, 'data'));
    await this.#machine.agent.ready();
  }

  /** The control plane again, where it was. */
  async restart(): Promise<void> {
    const { folder, kubeconfig } = this.process;
    const { port } = new URL(readKubeconfig(kubeconfig).server);
    this.#process = await ClusterProcess.start({ folder, flags: [...this.#flags, '--port', port] });
  }

  async destroy(): Promise<void> {
    await this.#machine?.destroy();
    await this.#process?.destroy();
  }
}

function demand<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('the cluster is used before it has started');
  return part;
}
