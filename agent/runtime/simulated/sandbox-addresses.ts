import { RuntimeError } from '../runtime.js';

/** The node's own address on the pod network comes first, as bridge plug-ins have it. */
const FIRST_HOST = 2;

/** Hands out the IPv4 addresses of a node's pod range, each to one sandbox, the longest unused first. */
export class SandboxAddresses {
  #base = 0;
  #size = 0;
  #next = FIRST_HOST;
  readonly #taken = new Map<number, string>();

  /** `10.244.3.0/24`. */
  setRange(cidr: string): void {
    const [address = '', bits = '32'] = cidr.split('/');
    this.#base = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    this.#size = 2 ** (32 - Number(bits));
  }

  take(sandboxId: string): string {
    if (this.#size === 0) {
      throw new RuntimeError('CreatePodSandboxError', 'the node has no pod range yet (spec.podCIDR)');
    }
    // The last address of the range is its broadcast address.
    for (let tried = 0; tried < this.#size; tried++) {
      const host = this.#next;
      this.#next = host + 1 >= this.#size - 1 ? FIRST_HOST : host + 1;
      if (this.#taken.has(host)) continue;
      this.#taken.set(host, sandboxId);
      return toAddress(this.#base + host);
    }
    throw new RuntimeError('CreatePodSandboxError', 'no address is left in the pod range of the node');
  }

  release(sandboxId: string): void {
    for (const [host, holder] of this.#taken) if (holder === sandboxId) this.#taken.delete(host);
  }
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
