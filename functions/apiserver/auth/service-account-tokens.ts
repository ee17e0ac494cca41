import { createHash } from 'node:crypto';
import type { KubernetesObject, UserInfo } from '../../../lib/api/meta.js';
import type { Clock } from '../../../lib/clock/clock.js';
import { randomUuid, type Random } from '../../../lib/random.js';
import type { V1ServiceAccount } from '../../../lib/schema/generated/types.js';
import type { ObjectReader } from '../admission/plugin.js';
import { TokenError } from './errors.js';
import { TOKEN_LEEWAY_SECONDS, VERIFIED_TOKENS_MAX } from './limits.js';
import type { SigningKeys } from './signing-keys.js';
import { parseClaims, unverifiedIssuer, type ObjectClaim, type TokenClaims } from './token-claims.js';
import { serviceAccountGroups, serviceAccountUsername } from './users.js';

export interface ServiceAccountTokenOptions {
  keys: SigningKeys;
  /** `iss`: a URL, `https://kubernetes.default.svc.cluster.local`. */
  issuer: string;
  /** Audiences that mean this API server; tokens get them by default. Default: the issuer. */
  audiences?: readonly string[];
  clock: Clock;
  random: Random;
  objects: ObjectReader;
}

/** An object a token is bound to: it is good as long as the object is. */
export interface TokenBinding {
  pod?: ObjectClaim;
  node?: ObjectClaim;
  secret?: ObjectClaim;
}

export interface TokenIdentity {
  user: UserInfo;
  /** Those of the asked audiences that the token is for. */
  audiences: string[];
}

/** Issues and verifies the tokens of service accounts. */
export class ServiceAccountTokens {
  readonly audiences: readonly string[];
  readonly issuer: string;
  readonly keys: SigningKeys;
  readonly #options: ServiceAccountTokenOptions;
  /** Claims of tokens whose signature was found right, least recently used first. What can change is checked at each use. */
  readonly #verified = new Map<string, TokenClaims>();

  constructor(options: ServiceAccountTokenOptions) {
    this.#options = options;
    this.issuer = options.issuer;
    this.keys = options.keys;
    this.audiences = options.audiences ?? [options.issuer];
  }

  async issue(
    serviceAccount: V1ServiceAccount,
    options: { audiences: readonly string[]; expirationSeconds: number; binding?: TokenBinding },
  ): Promise<string> {
    const now = Math.floor(this.#options.clock.now() / 1_000);
    const { name = '', namespace = '', uid = '' } = serviceAccount.metadata ?? {};
    const { node, pod, secret } = options.binding ?? {};
    const claims: TokenClaims = {
      aud: [...options.audiences],
      exp: now + options.expirationSeconds,
      iat: now,
      iss: this.issuer,
      jti: randomUuid(this.#options.random),
      'kubernetes.io': { namespace, node, pod, secret, serviceaccount: { name, uid } },
      nbf: now,
      sub: serviceAccountUsername(namespace, name),
    };
    return this.keys.sign(claims);
  }

  /** Who a token is; undefined when another issuer made it. Throws a TokenError. */
  async authenticate(token: string, audiences: readonly string[] = this.audiences): Promise<TokenIdentity | undefined> {
    const hash = createHash('sha256').update(token).digest('base64');
    let claims = this.#verified.get(hash);
    if (claims === undefined) {
      if (unverifiedIssuer(token) !== this.issuer) return undefined;
      claims = parseClaims(await this.keys.verify(token));
    }
    this.#verified.delete(hash);
    this.#checkTimes(claims);
    this.#remember(hash, claims);
    const matching = claims.aud.filter((audience) => audiences.includes(audience));
    if (matching.length === 0)
      throw new TokenError(
        'audience',
        `token audiences ${quoted(claims.aud)} is invalid for the target audiences ${quoted(audiences)}`,
      );
    await this.#checkBindings(claims);
    return { user: userOf(claims), audiences: matching };
  }

  #remember(hash: string, claims: TokenClaims): void {
    if (this.#verified.size >= VERIFIED_TOKENS_MAX) {
      const oldest = this.#verified.keys().next();
      if (oldest.done === false) this.#verified.delete(oldest.value);
    }
    this.#verified.set(hash, claims);
  }

  #checkTimes(claims: TokenClaims): void {
    const now = this.#options.clock.now() / 1_000;
    if (now > claims.exp + TOKEN_LEEWAY_SECONDS) throw new TokenError('expired', 'service account token has expired');
    if (now + TOKEN_LEEWAY_SECONDS < claims.nbf)
      throw new TokenError('expired', 'service account token is not valid yet');
    if (now + TOKEN_LEEWAY_SECONDS < claims.iat)
      throw new TokenError('expired', 'service account token is issued in the future');
  }

  async #checkBindings(claims: TokenClaims): Promise<void> {
    const { namespace, serviceaccount, secret, pod, node } = claims['kubernetes.io'];
    const account = await this.#get('serviceaccounts', namespace, serviceaccount.name);
    if (account === undefined)
      throw new TokenError('invalidated', `serviceaccounts ${JSON.stringify(serviceaccount.name)} not found`);
    if (account.metadata?.uid !== serviceaccount.uid)
      throw new TokenError(
        'invalidated',
        `service account UID (${account.metadata?.uid}) does not match claim (${serviceaccount.uid})`,
      );
    if (this.#isDeleted(account))
      throw new TokenError('invalidated', `service account ${namespace}/${serviceaccount.name} has been deleted`);
    if (secret !== undefined)
      this.#checkBound(
        await this.#get('secrets', namespace, secret.name),
        secret,
        'secret UID',
        'service account secret',
      );
    if (pod !== undefined)
      this.#checkBound(await this.#get('pods', namespace, pod.name), pod, 'pod UID', 'service account pod');
    else if (node !== undefined)
      this.#checkBound(await this.#get('nodes', '', node.name), node, 'node UID', 'service account node');
  }

  #checkBound(object: KubernetesObject | undefined, claim: ObjectClaim, what: string, whose: string): void {
    if (object === undefined || this.#isDeleted(object))
      throw new TokenError('invalidated', 'service account token has been invalidated');
    if (object.metadata?.uid !== claim.uid)
      throw new TokenError(
        'invalidated',
        `${what} (${object.metadata?.uid}) does not match ${whose} ref claim (${claim.uid})`,
      );
  }

  /** Marked for deletion, and that time has passed: a pod's token works during its grace period. */
  #isDeleted(object: KubernetesObject): boolean {
    const deletedAt = object.metadata?.deletionTimestamp;
    return deletedAt !== undefined && Date.parse(deletedAt) < this.#options.clock.now() - TOKEN_LEEWAY_SECONDS * 1_000;
  }

  #get(plural: string, namespace: string, name: string): Promise<KubernetesObject | undefined> {
    return this.#options.objects.get({ group: '', plural }, namespace, name);
  }
}

function userOf(claims: TokenClaims): UserInfo {
  const { namespace, serviceaccount, pod, node } = claims['kubernetes.io'];
  const extra: Record<string, string[]> = {
    'authentication.kubernetes.io/credential-id': [`JTI=${claims.jti}`],
  };
  if (node !== undefined) extra['authentication.kubernetes.io/node-name'] = [node.name];
  if (node?.uid) extra['authentication.kubernetes.io/node-uid'] = [node.uid];
  if (pod !== undefined) extra['authentication.kubernetes.io/pod-name'] = [pod.name];
  if (pod?.uid) extra['authentication.kubernetes.io/pod-uid'] = [pod.uid];
  return {
    username: serviceAccountUsername(namespace, serviceaccount.name),
    uid: serviceaccount.uid ?? '',
    groups: serviceAccountGroups(namespace),
    extra,
  };
}

/** A list as Go prints it. */
function quoted(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`;
}
