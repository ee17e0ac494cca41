import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Client } from '../../lib/client/client.js';
import { subjectAccessReviews, tokenReviews } from '../../lib/client/resources.js';
import type { Clock } from '../../lib/clock/clock.js';
import { ServedError } from './errors.js';

/** As the kubelet's webhook authorizer and authenticator cache by default. */
const ALLOWED_MS = 5 * 60_000;
const DENIED_MS = 30_000;
const TOKEN_MS = 2 * 60_000;
const CACHED_MAX_COUNT = 1_000;

/** Its members may do everything, in every cluster; asking about them would fail while the API server is away. */
const MASTERS = 'system:masters';

export interface Caller {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}

/** What a request does to the node: kubelet authorisation asks for a verb on `nodes/SUBRESOURCE`. */
export interface Access {
  readonly verb: string;
  readonly subresource: string;
}

/**
 * Who may ask the agent: holders of a client certificate of the cluster's CA or of a token that the API server knows, as far as the API
 * server allows them the node's subresource. Everybody else is refused.
 */
export class CallerGate {
  readonly #options: { client: Client; clock: Clock; nodeName: string };
  readonly #tokens = new BoundedCache<Caller>();
  readonly #verdicts = new BoundedCache<boolean>();

  constructor(options: { client: Client; clock: Clock; nodeName: string }) {
    this.#options = options;
  }

  /** Throws a ServedError: 401 for nobody, 403 for somebody who may not. */
  async admit(incoming: IncomingMessage, access: Access): Promise<Caller> {
    const caller = certified(incoming.socket as TLSSocket) ?? (await this.#tokenHolder(incoming));
    if (caller === undefined) throw new ServedError(401, 'Unauthorized');
    if (!(await this.#isAllowed(caller, access))) {
      const { nodeName } = this.#options;
      throw new ServedError(
        403,
        `Forbidden (user=${caller.username}, verb=${access.verb}, resource=nodes, subresource=${access.subresource}, node=${nodeName})`,
      );
    }
    return caller;
  }

  async #tokenHolder(incoming: IncomingMessage): Promise<Caller | undefined> {
    const token = /^Bearer +(\S+)$/i.exec(incoming.headers.authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    const key = createHash('sha256').update(token).digest('base64');
    const now = this.#options.clock.now();
    const known = this.#tokens.get(key, now);
    if (known !== undefined) return known;
    const { status } = await this.#ask(() => this.#options.client.create(tokenReviews, { spec: { token } }));
    if (status?.authenticated !== true) return undefined;
    const { username = '', uid, groups = [] } = status.user ?? {};
    const caller = { username, ...(uid === undefined ? {} : { uid }), groups };
    this.#tokens.set(key, caller, now + TOKEN_MS);
    return caller;
  }

  async #isAllowed(caller: Caller, { verb, subresource }: Access): Promise<boolean> {
    if (caller.groups.includes(MASTERS)) return true;
    const key = JSON.stringify([caller.username, caller.uid, caller.groups, verb, subresource]);
    const { client, clock, nodeName } = this.#options;
    const known = this.#verdicts.get(key, clock.now());
    if (known !== undefined) return known;
    const { status } = await this.#ask(() =>
      client.create(subjectAccessReviews, {
        spec: {
          user: caller.username,
          groups: [...caller.groups],
          ...(caller.uid === undefined ? {} : { uid: caller.uid }),
          resourceAttributes: { group: '', version: 'v1', resource: 'nodes', subresource, name: nodeName, verb },
        },
      }),
    );
    const isAllowed = status?.allowed === true && status.denied !== true;
    this.#verdicts.set(key, isAllowed, clock.now() + (isAllowed ? ALLOWED_MS : DENIED_MS));
    return isAllowed;
  }

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch {
      throw new ServedError(500, 'the API server cannot be asked whether this is allowed');
    }
  }
}

function certified(socket: TLSSocket): Caller | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  const organizations = (subject?.O ?? []) as string | string[];
  return { username: String(subject?.CN ?? ''), groups: [organizations].flat() };
}

class BoundedCache<T> {
  readonly #entries = new Map<string, { value: T; untilMs: number }>();

  get(key: string, nowMs: number): T | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined || entry.untilMs <= nowMs ? undefined : entry.value;
  }

  set(key: string, value: T, untilMs: number): void {
    if (this.#entries.size >= CACHED_MAX_COUNT) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    this.#entries.delete(key);
    this.#entries.set(key, { value, untilMs });
  }
}
