import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../../lib/clock/fake.js';
import { seededRandom } from '../../../lib/random.js';
import { TestObjects } from '../admission/test-objects.js';
import { ChainAuthenticator, hashToken } from './authenticator.js';
import { openIdDocuments } from './oidc-discovery.js';
import { ServiceAccountTokens } from './service-account-tokens.js';
import { generateSigningKey, SigningKeys } from './signing-keys.js';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const account = { metadata: { name: 'robot', namespace: 'shop', uid: 'sa-uid' } };
const pod = { metadata: { name: 'web', namespace: 'shop', uid: 'pod-uid' } };
const oldKey = generateSigningKey();
const newKey = generateSigningKey();

let clock: FakeClock;
let objects: TestObjects;
let tokens: ServiceAccountTokens;

function tokensWith(keys: string[], overrides: { issuer?: string } = {}): ServiceAccountTokens {
  return new ServiceAccountTokens({
    keys: new SigningKeys(keys),
    issuer: overrides.issuer ?? ISSUER,
    clock,
    random: seededRandom(1),
    objects,
  });
}

beforeEach(() => {
  clock = new FakeClock();
  objects = new TestObjects({
    serviceaccounts: [account],
    pods: [pod],
    nodes: [{ metadata: { name: 'n1', uid: 'n-uid' } }],
  });
  tokens = tokensWith([newKey]);
});

const issue = (binding?: object): Promise<string> =>
  tokens.issue(account, { audiences: [ISSUER], expirationSeconds: 3600, binding });

describe('service account tokens', () => {
  test('carry the claims that Kubernetes writes', async () => {
    const token = await issue({ pod: { name: 'web', uid: 'pod-uid' }, node: { name: 'n1', uid: 'n-uid' } });
    const now = clock.now() / 1000;
    expect(decodeJwt(token)).toEqual({
      aud: [ISSUER],
      exp: now + 3600,
      iat: now,
      nbf: now,
      iss: ISSUER,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'kubernetes.io': {
        namespace: 'shop',
        node: { name: 'n1', uid: 'n-uid' },
        pod: { name: 'web', uid: 'pod-uid' },
        serviceaccount: { name: 'robot', uid: 'sa-uid' },
      },
      sub: 'system:serviceaccount:shop:robot',
    });
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', kid: expect.any(String) });
  });

  test('say who the pod is', async () => {
    const token = await issue({ pod: { name: 'web', uid: 'pod-uid' }, node: { name: 'n1', uid: 'n-uid' } });
    const identity = await tokens.authenticate(token);
    expect(identity).toEqual({
      user: {
        username: 'system:serviceaccount:shop:robot',
        uid: 'sa-uid',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:shop'],
        extra: {
          'authentication.kubernetes.io/credential-id': [`JTI=${decodeJwt(token).jti}`],
          'authentication.kubernetes.io/node-name': ['n1'],
          'authentication.kubernetes.io/node-uid': ['n-uid'],
          'authentication.kubernetes.io/pod-name': ['web'],
          'authentication.kubernetes.io/pod-uid': ['pod-uid'],
        },
      },
      audiences: [ISSUER],
    });
  });

  test('expire, also when their signature is remembered', async () => {
    const token = await issue();
    await clock.advance(3_659_000);
    await expect(tokens.authenticate(token)).resolves.toBeDefined();
    await clock.advance(2_000);
    await expect(tokens.authenticate(token)).rejects.toThrow('service account token has expired');
  });

  test('die with what they are bound to', async () => {
    const token = await issue({ pod: { name: 'web', uid: 'pod-uid' } });
    await expect(tokens.authenticate(token)).resolves.toBeDefined();
    objects.put('pods', { metadata: { name: 'web', namespace: 'shop', uid: 'other' } });
    await expect(tokens.authenticate(token)).rejects.toThrow(
      'pod UID (other) does not match service account pod ref claim (pod-uid)',
    );
    objects.remove('pods', 'shop', 'web');
    await expect(tokens.authenticate(token)).rejects.toThrow('service account token has been invalidated');
    objects.put('pods', pod);
    objects.put('serviceaccounts', { metadata: { ...account.metadata, uid: 'again' } });
    await expect(tokens.authenticate(token)).rejects.toMatchObject({ code: 'invalidated' });
  });

  test('are for their audiences', async () => {
    const token = await tokens.issue(account, { audiences: ['vault', 'other'], expirationSeconds: 600 });
    await expect(tokens.authenticate(token)).rejects.toThrow(
      `token audiences ["vault" "other"] is invalid for the target audiences ["${ISSUER}"]`,
    );
    await expect(tokens.authenticate(token, ['vault', 'x'])).resolves.toMatchObject({ audiences: ['vault'] });
  });

  test('survive a rotation of keys, and die when their key is gone', async () => {
    const before = await tokensWith([oldKey]).issue(account, { audiences: [ISSUER], expirationSeconds: 3600 });
    await expect(tokensWith([newKey, oldKey]).authenticate(before)).resolves.toBeDefined();
    await expect(tokens.authenticate(before)).rejects.toMatchObject({ code: 'invalid' });
  });

  test('of others or tampered with are refused', async () => {
    const foreign = await tokensWith([newKey], { issuer: 'https://elsewhere' }).issue(account, {
      audiences: [ISSUER],
      expirationSeconds: 3600,
    });
    expect(await tokens.authenticate(foreign)).toBeUndefined();
    expect(await tokens.authenticate('no.token')).toBeUndefined();
    const [header, , signature] = (await issue()).split('.');
    const claims = Buffer.from(JSON.stringify({ ...decodeJwt(await issue()), sub: 'system:admin' })).toString(
      'base64url',
    );
    await expect(tokens.authenticate(`${header}.${claims}.${signature}`)).rejects.toMatchObject({ code: 'invalid' });
    const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
    await expect(tokens.authenticate(`${unsigned}.${claims}.`)).rejects.toMatchObject({ code: 'invalid' });
  });

  test('check out against the published key set', async () => {
    const jwks = await tokensWith([newKey, oldKey]).keys.jwks();
    expect(jwks.keys).toHaveLength(2);
    expect(JSON.stringify(jwks)).not.toContain('"d"');
    await expect(
      jwtVerify(await issue(), createLocalJWKSet(jwks), {
        issuer: ISSUER,
        audience: ISSUER,
        currentDate: new Date(clock.now()),
      }),
    ).resolves.toBeDefined();
  });
});

describe('discovery for those who verify tokens', () => {
  const get = async (path: string): Promise<{ type: unknown; content: unknown } | undefined> => {
    const response = await openIdDocuments(tokens, 'https://127.0.0.1:6443/')[path]?.();
    return response === undefined
      ? undefined
      : {
          type: response.headers['content-type'],
          content: JSON.parse(Buffer.from(response.body as Uint8Array).toString()),
        };
  };

  test('names the issuer and where its keys are', async () => {
    expect(await get('/.well-known/openid-configuration')).toEqual({
      type: 'application/json',
      content: {
        issuer: ISSUER,
        jwks_uri: 'https://127.0.0.1:6443/openid/v1/jwks',
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      },
    });
    expect(await get('/openid/v1/jwks/')).toMatchObject({
      type: 'application/jwk-set+json',
      content: { keys: [{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: expect.any(String) }] },
    });
    expect(await get('/openid/v1')).toBeUndefined();
  });
});

describe('the authenticator', () => {
  const admin = { username: 'admin', groups: ['system:masters'] };
  const chain = (): ChainAuthenticator =>
    new ChainAuthenticator({
      staticTokens: [{ sha256: hashToken('s3cret'), user: admin }],
      serviceAccountTokens: tokens,
    });

  test('knows certificates, static tokens and service account tokens', async () => {
    const authenticator = chain();
    expect(await authenticator.authenticate({ authorization: undefined })).toBeUndefined();
    expect(
      await authenticator.authenticate({
        authorization: 'Bearer nonsense',
        certificate: { commonName: 'system:node:n1', organizations: ['system:nodes'] },
      }),
    ).toEqual({ username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] });
    expect(await authenticator.authenticate({ authorization: 'bearer s3cret' })).toEqual({
      username: 'admin',
      groups: ['system:masters', 'system:authenticated'],
    });
    expect(await authenticator.authenticate({ authorization: `Bearer ${await issue()}` })).toMatchObject({
      username: 'system:serviceaccount:shop:robot',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
    });
  });

  test.each(['Bearer wrong', 'Bearer', 'Basic YTpi', 'Bearer a.b.c', ' ', `Bearer ${'x'.repeat(20_000)}`])(
    'answers 401 to %s',
    async (authorization) => {
      await expect(chain().authenticate({ authorization })).rejects.toMatchObject({
        code: 401,
        reason: 'Unauthorized',
      });
    },
  );
});
