import type { Client } from '../../lib/client/client.js';
import { serviceAccounts } from '../../lib/client/resources.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { AuthenticationV1TokenRequest, V1Pod } from '../../lib/schema/generated/types.js';

/** What is asked for when a volume says nothing, as the API server defaults it. */
const EXPIRATION_SECONDS = 3600;

/** A token is renewed after this part of its life, or after a day, as the kubelet does it. */
const RENEWAL_PART = 0.8;
const RENEWAL_MAX_MS = 24 * 60 * 60 * 1000;

interface Known {
  token: string;
  renewMs: number;
  expiresMs: number;
}

/** Tokens of service accounts for pods, each made once and renewed before its end. */
export class TokenSource {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  /** @param clock goes on evenly. */
  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async token(pod: V1Pod, options: { audience?: string; expirationSeconds?: number }): Promise<string> {
    const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
    const account = pod.spec?.serviceAccountName || 'default';
    const { audience = '', expirationSeconds = EXPIRATION_SECONDS } = options;
    const key = `${uid}/${account}/${audience}/${expirationSeconds}`;
    const known = this.#known.get(key);
    const nowMs = this.#clock.now();
    if (known !== undefined && nowMs < known.renewMs) return known.token;
    try {
      const answer = await this.#client.createSubresource<AuthenticationV1TokenRequest>(
        serviceAccounts,
        { namespace, name: account },
        'token',
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: {
            audiences: audience === '' ? [] : [audience],
            expirationSeconds,
            boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
          },
        },
      );
      const { token = '' } = answer.status ?? {};
      // By how long it lives and not by when it ends: the API server's clock may not be ours.
      const lifeMs = (answer.spec?.expirationSeconds ?? expirationSeconds) * 1000;
      const expiresMs = nowMs + lifeMs;
      const renewMs = nowMs + Math.min(lifeMs * RENEWAL_PART, RENEWAL_MAX_MS);
      this.#known.set(key, { token, renewMs, expiresMs });
      return token;
    } catch (error) {
      // Until it ends, the old one does.
      if (known !== undefined && nowMs < known.expiresMs) return known.token;
      throw new Error(`failed to fetch token: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }

  forget(podUid: string): void {
    for (const key of this.#known.keys()) if (key.startsWith(`${podUid}/`)) this.#known.delete(key);
  }
}
