import { createHash } from 'node:crypto';
import type { UserInfo } from '../../../../lib/api/meta.js';
import { AWS_TOKEN_PREFIX, CLUSTER_HEADER } from '../../../../lib/aws/token-format.js';
import type { Clock } from '../../../../lib/clock/clock.js';
import type { Log } from '../../registry/context.js';
import type { TokenVerifier } from '../auth.js';
import { TokenError } from '../errors.js';
import { AwsIamError } from './errors.js';
import { readIdentity } from './identity.js';
import { STS_CALLS_MAX, VERDICTS_MAX } from './limits.js';
import type { IdentityMappings } from './mapping.js';
import { readToken, type PresignedUrl } from './presigned-url.js';
import { askSts, type StsFetch } from './sts.js';

export interface AwsIamTokensOptions {
  /** Tokens are bound to it by the cluster header. */
  clusterName: string;
  /** Hosts of STS that tokens may be for: `sts.eu-central-1.amazonaws.com`. */
  stsHosts: readonly string[];
  mappings: IdentityMappings;
  clock: Clock;
  log: Log;
  fetch: StsFetch;
  /** Lower case. Default: x-k8s-aws-id. */
  clusterHeader?: string;
  /** Where STS is asked instead of the host in the token; see `StsOptions`. */
  stsEndpoint?: string;
}

type Verdict = { user: UserInfo } | { error: AwsIamError };

/** Verdict and until when it counts. */
interface Remembered {
  verdict: Verdict;
  expiresMs: number;
}

/**
 * Tokens of `zeroplane token` and `aws eks get-token`. STS is asked once for each; the verdict, good or bad, is remembered by the hash of
 * the token for as long as the token could be used. That STS could not be asked is not remembered.
 */
export class AwsIamTokens implements TokenVerifier {
  readonly #options: AwsIamTokensOptions;
  readonly #hosts: ReadonlySet<string>;
  readonly #clusterHeader: string;
  readonly #verdicts = new Map<string, Remembered>();
  readonly #running = new Map<string, Promise<Verdict>>();

  constructor(options: AwsIamTokensOptions) {
    this.#options = options;
    this.#hosts = new Set(options.stsHosts);
    this.#clusterHeader = (options.clusterHeader ?? CLUSTER_HEADER).toLowerCase();
  }

  owns(token: string): boolean {
    return token.startsWith(AWS_TOKEN_PREFIX);
  }

  /** Throws a `TokenError` that says no more than that the token is not good; why is in the log. */
  async verify(token: string): Promise<UserInfo> {
    const hash = createHash('sha256').update(token).digest('base64url');
    let remembered = this.#remembered(hash);
    if (remembered === undefined) {
      remembered = await this.#find(token, hash);
      if ('error' in remembered) this.#logRefusal(remembered.error, hash);
    }
    if ('user' in remembered) return remembered.user;
    throw new TokenError('invalid', 'invalid bearer token');
  }

  async #find(token: string, hash: string): Promise<Verdict> {
    let presigned: PresignedUrl;
    try {
      presigned = readToken(token, {
        hosts: this.#hosts,
        clusterHeader: this.#clusterHeader,
        nowMs: this.#options.clock.now(),
      });
    } catch (error) {
      if (error instanceof AwsIamError) return { error };
      throw error;
    }
    // A client opens several connections at once: they wait for one question.
    const running = this.#running.get(hash);
    if (running !== undefined) return running;
    if (this.#running.size >= STS_CALLS_MAX)
      return { error: new AwsIamError('unavailable', `STS is being asked about ${STS_CALLS_MAX} other tokens`) };
    const asked = this.#ask(presigned);
    this.#running.set(hash, asked);
    try {
      const verdict = await asked;
      const isFinal = 'user' in verdict || verdict.error.code !== 'unavailable';
      if (isFinal) this.#remember(hash, { verdict, expiresMs: presigned.expiresMs });
      return verdict;
    } finally {
      this.#running.delete(hash);
    }
  }

  async #ask({ url, accessKeyId }: PresignedUrl): Promise<Verdict> {
    const { clusterName, fetch, clock, mappings, stsEndpoint } = this.#options;
    try {
      const answer = await askSts(
        url,
        { [this.#clusterHeader]: clusterName },
        { fetch, clock, ...(stsEndpoint === undefined ? {} : { endpoint: stsEndpoint }) },
      );
      const identity = readIdentity(answer, accessKeyId);
      const user = mappings.userOf(identity);
      return user === undefined
        ? { error: new AwsIamError('unmapped', `${identity.canonicalArn || identity.arn} is mapped to no user`) }
        : { user };
    } catch (error) {
      if (error instanceof AwsIamError) return { error };
      throw error;
    }
  }

  #remembered(hash: string): Verdict | undefined {
    const remembered = this.#verdicts.get(hash);
    if (remembered === undefined) return undefined;
    if (this.#options.clock.now() < remembered.expiresMs) return remembered.verdict;
    this.#verdicts.delete(hash);
    return undefined;
  }

  #remember(hash: string, remembered: Remembered): void {
    if (this.#verdicts.size >= VERDICTS_MAX) {
      const oldest = this.#verdicts.keys().next();
      if (oldest.done === false) this.#verdicts.delete(oldest.value);
    }
    this.#verdicts.set(hash, remembered);
  }

  /** Part of the hash tells repeated attempts with one token apart from many tokens; it opens nothing. */
  #logRefusal(error: AwsIamError, hash: string): void {
    this.#options.log.warn(
      { code: error.code, reason: error.message, tokenHash: hash.slice(0, 8) },
      'a token of AWS was refused',
    );
  }
}
