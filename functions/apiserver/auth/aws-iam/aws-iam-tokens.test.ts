import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StsStub, type StubCaller } from '../../../../test/support/sts-stub.js';
import { callerIdentityToken } from '../../../../lib/aws/caller-identity-token.js';
import { encodeAwsToken } from '../../../../lib/aws/token-format.js';
import { FakeClock } from '../../../../lib/clock/fake.js';
import { seededRandom } from '../../../../lib/random.js';
import type { UserInfo } from '../../../../lib/api/meta.js';
import { TestObjects } from '../../admission/test-objects.js';
import { ChainAuthenticator } from '../authenticator.js';
import { ServiceAccountTokens } from '../service-account-tokens.js';
import { generateSigningKey, SigningKeys } from '../signing-keys.js';
import { AwsIamTokens, type AwsIamTokensOptions } from './aws-iam-tokens.js';
import { STS_CALLS_MAX, STS_TIMEOUT_MS } from './limits.js';
import { readAwsIdentityConfig } from './index.js';
import { IdentityMappings, type IdentityMapping } from './mapping.js';

const REGION = 'eu-central-1';
const HOST = 'sts.eu-central-1.amazonaws.com';
const ACCOUNT = '123456789012';
const MINUTE_MS = 60_000;

const jane: StubCaller = {
  accessKeyId: 'AKIAJANE',
  secretAccessKey: 'jane-secret',
  account: ACCOUNT,
  arn: `arn:aws:iam::${ACCOUNT}:user/people/jane`,
  userId: 'AIDAJANE',
};
const operator: StubCaller = {
  accessKeyId: 'ASIAOPERATOR',
  secretAccessKey: 'operator-secret',
  sessionToken: 'a+b/c==',
  account: ACCOUNT,
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/operators/mia@example.com`,
  userId: 'AROAOPERATORS:mia@example.com',
};
const worker: StubCaller = {
  accessKeyId: 'ASIAWORKER',
  secretAccessKey: 'worker-secret',
  sessionToken: 'worker-session',
  account: ACCOUNT,
  arn: `arn:aws:sts::${ACCOUNT}:assumed-role/demo-worker/i-0123456789abcdef0`,
  userId: 'AROAWORKER:i-0123456789abcdef0',
};
const stranger: StubCaller = { ...jane, accessKeyId: 'AKIASTRANGER', arn: `arn:aws:iam::${ACCOUNT}:user/stranger` };

const mappings: IdentityMapping[] = [
  { arn: jane.arn, username: 'jane', groups: ['developers'] },
  {
    arn: `arn:aws:iam::${ACCOUNT}:role/teams/operators`,
    username: 'aws:{{AccountID}}:{{SessionName}}',
    groups: ['system:masters', 'session:{{SessionNameRaw}}'],
  },
  {
    arn: `arn:aws:iam::${ACCOUNT}:role/demo-worker`,
    username: 'system:node:{{SessionName}}',
    groups: ['system:bootstrappers', 'system:nodes'],
  },
];

let clock: FakeClock;
let sts: StsStub;
let logged: { data: Record<string, unknown>; message: string }[];

beforeEach(async () => {
  clock = new FakeClock();
  sts = await StsStub.start([jane, operator, worker, stranger]);
  logged = [];
});

afterEach(() => sts.stop());

function tokens(overrides: Partial<AwsIamTokensOptions> = {}): AwsIamTokens {
  const note = (data: Record<string, unknown>, message: string): void => void logged.push({ data, message });
  return new AwsIamTokens({
    clusterName: 'demo',
    stsHosts: [HOST],
    mappings: new IdentityMappings(mappings),
    clock,
    log: { info: note, warn: note, error: note },
    fetch,
    stsEndpoint: sts.endpoint,
    ...overrides,
  });
}

async function tokenOf(
  caller: StubCaller,
  overrides: Partial<Parameters<typeof callerIdentityToken>[0]> = {},
): Promise<string> {
  const { accessKeyId, secretAccessKey, sessionToken } = caller;
  const { token } = await callerIdentityToken({
    clusterName: 'demo',
    region: REGION,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    nowMs: clock.now(),
    ...overrides,
  });
  return token;
}

/** The token with its URL changed; its signature stays what it was. */
function altered(token: string, change: (url: string) => string): string {
  return encodeAwsToken(change(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
}

/** The code of the refusal in the log. Clients learn nothing of it. */
async function refusal(verifier: AwsIamTokens, token: string): Promise<unknown> {
  const before = logged.length;
  await expect(verifier.verify(token)).rejects.toMatchObject({
    name: 'TokenError',
    code: 'invalid',
    message: 'invalid bearer token',
  });
  expect(logged.length).toBeLessThanOrEqual(before + 1);
  return logged.length === before ? 'remembered' : logged.at(-1)?.data['code'];
}

describe('who a token is', () => {
  test('a user, by ARN', async () => {
    expect(await tokens().verify(await tokenOf(jane))).toEqual({
      username: 'jane',
      uid: `aws-iam-authenticator:${ACCOUNT}:AIDAJANE`,
      groups: ['developers'],
      extra: {
        accessKeyId: ['AKIAJANE'],
        arn: [jane.arn],
        canonicalArn: [jane.arn],
        principalId: ['AIDAJANE'],
        sessionName: [''],
      },
    } satisfies UserInfo);
  });

  test('a session of a role, by the ARN of the role whatever its path, with names filled in', async () => {
    const user = await tokens().verify(await tokenOf(operator));
    expect(user.username).toBe(`aws:${ACCOUNT}:mia-example.com`);
    expect(user.groups).toEqual(['system:masters', 'session:mia@example.com']);
    expect(user.extra?.['canonicalArn']).toEqual([`arn:aws:iam::${ACCOUNT}:role/operators`]);
  });

  test('a worker, as the node of its instance id', async () => {
    const user = await tokens().verify(await tokenOf(worker));
    expect(user.username).toBe('system:node:i-0123456789abcdef0');
    expect(user.groups).toContain('system:nodes');
  });

  test('nobody, when its ARN is not mapped, also not one that is like it', async () => {
    expect(await refusal(tokens(), await tokenOf(stranger))).toBe('unmapped');
    const other = await StsStub.start([
      { ...worker, arn: worker.arn.replace(ACCOUNT, '999999999999'), account: '999999999999' },
    ]);
    const verifier = tokens({ stsEndpoint: other.endpoint });
    expect(await refusal(verifier, await tokenOf(worker))).toBe('unmapped');
    await other.stop();
  });
});

describe('what STS would not sign for', () => {
  test('a token for another cluster is refused here: the header is signed', async () => {
    const token = await tokenOf(jane, { clusterName: 'other' });
    expect(await refusal(tokens(), token)).toBe('refused');
    expect((await tokens({ clusterName: 'other' }).verify(token)).username).toBe('jane');
  });

  test('a wrong or altered signature', async () => {
    expect(await refusal(tokens(), await tokenOf({ ...jane, secretAccessKey: 'guess' }))).toBe('refused');
    const token = await tokenOf(jane);
    const swapped = altered(token, (url) => url.replace(/(Signature=)(..)/, (_, name: string) => `${name}00`));
    expect(await refusal(tokens(), swapped)).toBe('refused');
    const renamed = altered(token, (url) => url.replace('AKIAJANE', 'AKIASTRANGER'));
    const differentSecret = await StsStub.start([jane, { ...stranger, secretAccessKey: 'another' }]);
    expect(await refusal(tokens({ stsEndpoint: differentSecret.endpoint }), renamed)).toBe('refused');
    await differentSecret.stop();
  });

  test('a later date on an old signature', async () => {
    const old = await tokenOf(jane, { nowMs: clock.now() - 3_600_000 });
    const later = altered(old, (url) => url.replace(/(X-Amz-Date=\d+T)\d\d/, (_, name: string) => `${name}00`));
    expect(await refusal(tokens(), later)).toMatch(/refused|expired/);
  });

  test('another header can be configured, and then the usual one no longer does', async () => {
    const verifier = tokens({ clusterHeader: 'X-Zeroplane-Cluster' });
    expect(await refusal(verifier, await tokenOf(jane))).toBe('malformed');
    const token = await tokenOf(jane, { clusterHeader: 'x-zeroplane-cluster' });
    expect((await verifier.verify(token)).username).toBe('jane');
  });
});

describe('age', () => {
  test('is at most fifteen minutes, remembered or not', async () => {
    const verifier = tokens();
    const token = await tokenOf(jane);
    await clock.advance(15 * MINUTE_MS - 1);
    expect((await verifier.verify(token)).username).toBe('jane');
    await clock.advance(1);
    expect(await refusal(verifier, token)).toBe('expired');
    expect(await refusal(tokens(), token)).toBe('expired');
    expect(sts.asked).toHaveLength(1);
  });

  test('is not far below zero', async () => {
    expect(await refusal(tokens(), await tokenOf(jane, { nowMs: clock.now() + 6 * MINUTE_MS }))).toBe('expired');
    expect((await tokens().verify(await tokenOf(jane, { nowMs: clock.now() + 4 * MINUTE_MS }))).username).toBe('jane');
  });
});

describe('what is never sent to STS', () => {
  const changes: Record<string, (url: string) => string> = {
    'plain http': (url) => url.replace('https:', 'http:'),
    'another host': (url) => url.replace(HOST, 'sts.example.com'),
    'a host that ends like an allowed one': (url) => url.replace(HOST, `x.${HOST}`),
    'a host behind a user name': (url) => url.replace(HOST, `${HOST}@example.com`),
    'a host in capitals': (url) => url.replace(HOST, HOST.toUpperCase()),
    'a port': (url) => url.replace(HOST, `${HOST}:8443`),
    'another path': (url) => url.replace(`${HOST}/`, `${HOST}/admin`),
    'no path': (url) => url.replace(`${HOST}/`, HOST),
    'a backslash': (url) => url.replace(`${HOST}/`, `${HOST}\\`),
    'a fragment': (url) => `${url}#x`,
    'a line break': (url) => `${url}\r\nX-Header: 1`,
    'another action': (url) => url.replace('GetCallerIdentity', 'AssumeRole'),
    'no action': (url) => url.replace('Action=GetCallerIdentity&', ''),
    'a second action': (url) => `${url}&Action=AssumeRole`,
    'a second action in other letters': (url) => `${url}&action=AssumeRole`,
    'a second action in escaped letters': (url) => `${url}&%41ction=AssumeRole`,
    'a further parameter': (url) => `${url}&RoleArn=x`,
    'no signature': (url) => url.replace(/&X-Amz-Signature=\w+/, ''),
    'no date': (url) => url.replace(/&X-Amz-Date=\w+/, ''),
    'a date that is none': (url) => url.replace(/(X-Amz-Date=)\w+/, '$120261340T000000Z'),
    'the cluster header unsigned': (url) => url.replace('host%3Bx-k8s-aws-id', 'host'),
    'a header that ends like it': (url) => url.replace('host%3Bx-k8s-aws-id', 'host%3Bx-k8s-aws-id2'),
    'the host unsigned': (url) => url.replace('host%3Bx-k8s-aws-id', 'x-k8s-aws-id'),
    'a long X-Amz-Expires': (url) => url.replace('Expires=60', 'Expires=901'),
    'a negative X-Amz-Expires': (url) => url.replace('Expires=60', 'Expires=-1'),
    'an X-Amz-Expires that is no number': (url) => url.replace('Expires=60', 'Expires=1e2'),
  };
  for (const [name, change] of Object.entries(changes)) {
    test(name, async () => {
      const token = await tokenOf(jane);
      const changed = altered(token, change);
      expect(changed).not.toBe(token);
      expect(await refusal(tokens(), changed)).toBe('malformed');
      expect(sts.asked).toHaveLength(0);
    });
  }

  test('what is no encoding, or has another form of one', async () => {
    const token = await tokenOf(jane);
    for (const other of [
      `${token}=`,
      `${token}.`,
      `${token} `,
      'k8s-aws-v1.',
      'k8s-aws-v1.!!!',
      `${token}${'A'.repeat(20_000)}`,
    ])
      expect(await refusal(tokens(), other)).toBe('malformed');
    expect(sts.asked).toHaveLength(0);
  });
});

describe('an STS that misbehaves', () => {
  test('and answers in XML, as emulators do, is understood', async () => {
    sts.behaviour = 'honest-in-xml';
    expect((await tokens().verify(await tokenOf(worker))).username).toBe('system:node:i-0123456789abcdef0');
  });

  for (const behaviour of ['redirect', 'huge', 'not-json', 'no-arn', 'fail', 'throttle'] as const) {
    test(`${behaviour}: refused now, asked again next time`, async () => {
      const verifier = tokens();
      const token = await tokenOf(jane);
      sts.behaviour = behaviour;
      expect(await refusal(verifier, token)).toBe('unavailable');
      expect(sts.asked).toHaveLength(1);
      sts.behaviour = 'honest';
      expect((await verifier.verify(token)).username).toBe('jane');
    });
  }

  for (const behaviour of ['hang', 'hang-after-headers'] as const) {
    test(`${behaviour}: given up after some seconds`, async () => {
      const verifier = tokens();
      const token = await tokenOf(jane);
      sts.behaviour = behaviour;
      const refused = refusal(verifier, token);
      while (sts.asked.length === 0) await clock.advance(0);
      await clock.advance(STS_TIMEOUT_MS);
      expect(await refused).toBe('unavailable');
      expect(clock.pendingTimers).toBe(0);
    });
  }

  test('absent', async () => {
    const verifier = tokens({ stsEndpoint: 'http://127.0.0.1:1' });
    expect(await refusal(verifier, await tokenOf(jane))).toBe('unavailable');
  });
});

describe('verdicts', () => {
  test('are remembered until the token expires, good and bad ones', async () => {
    const verifier = tokens();
    const [good, bad] = [await tokenOf(jane), await tokenOf({ ...jane, secretAccessKey: 'guess' })];
    await verifier.verify(good);
    expect(await refusal(verifier, bad)).toBe('refused');
    for (let repeat = 0; repeat < 3; repeat++) {
      expect((await verifier.verify(good)).username).toBe('jane');
      expect(await refusal(verifier, bad)).toBe('remembered');
    }
    expect(sts.asked).toHaveLength(2);
  });

  test('are asked for once by many requests at one time', async () => {
    const verifier = tokens();
    const token = await tokenOf(jane);
    const users = await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token)));
    expect(new Set(users.map(({ username }) => username))).toEqual(new Set(['jane']));
    expect(sts.asked).toHaveLength(1);
  });

  test('questions under way are bounded', async () => {
    let running = 0;
    const release: (() => void)[] = [];
    const verifier = tokens({
      fetch: async () => {
        running++;
        await new Promise<void>((resolve) => release.push(resolve));
        return new Response('', { status: 403 });
      },
    });
    const many = await Promise.all(
      Array.from({ length: STS_CALLS_MAX + 5 }, (_, index) => tokenOf(jane, { nowMs: clock.now() - index * 1_000 })),
    );
    const refused = many.map((token) => verifier.verify(token).catch((error: unknown) => error));
    await clock.advance(0);
    expect(running).toBe(STS_CALLS_MAX);
    for (const done of release) done();
    await Promise.all(refused);
    expect(logged.filter(({ data }) => data['code'] === 'unavailable')).toHaveLength(5);
  });

  test('logs hold neither the token nor what is in it', async () => {
    const verifier = tokens();
    const token = await tokenOf(operator, { clusterName: 'other' });
    await refusal(verifier, token);
    sts.behaviour = 'hang';
    const down = tokens({ stsEndpoint: 'http://127.0.0.1:1' });
    await refusal(down, token);
    await refusal(
      verifier,
      altered(token, (url) => `${url}&x=1`),
    );
    const text = JSON.stringify(logged);
    expect(logged).toHaveLength(3);
    const url = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    for (const secret of [token.slice(0, 60), /Signature=(\w+)/.exec(url)?.[1] ?? '', 'a%2Bb', 'AWS4-HMAC'])
      expect(text).not.toContain(secret);
  });
});

describe('beside the other ways in', () => {
  test('the API server answers 401 without a reason, and asks no other verifier', async () => {
    const authenticator = new ChainAuthenticator({
      serviceAccountTokens: new ServiceAccountTokens({
        keys: new SigningKeys([generateSigningKey()]),
        issuer: 'https://cluster.local',
        clock,
        random: seededRandom(1),
        objects: new TestObjects({}),
      }),
      verifiers: [tokens()],
    });
    const good = await authenticator.authenticate({ authorization: `Bearer ${await tokenOf(jane)}` });
    expect(good).toMatchObject({ username: 'jane', groups: ['developers', 'system:authenticated'] });
    const wrong = authenticator.authenticate({ authorization: `Bearer ${await tokenOf(stranger)}` });
    await expect(wrong).rejects.toMatchObject({ status: { code: 401, message: 'Unauthorized' } });
    const elsewhere = authenticator.authenticateToken(await tokenOf(jane), ['vault']);
    await expect(elsewhere).rejects.toMatchObject({ code: 'audience' });
  });
});

describe('mappings', () => {
  const mapping = (overrides: Partial<IdentityMapping>): IdentityMappings =>
    new IdentityMappings([{ arn: jane.arn, username: 'jane', groups: [], ...overrides }]);

  test('that cannot work are refused, and say why', () => {
    expect(() => mapping({ arn: 'jane' })).toThrow('"jane" is not the ARN of a role');
    expect(() => mapping({ arn: `arn:aws:s3:::bucket` })).toThrow('is not the ARN');
    expect(() => mapping({ username: '' })).toThrow('has no user name');
    expect(() => mapping({ username: 'system:node:{{EC2PrivateDNSName}}' })).toThrow(
      'uses {{EC2PrivateDNSName}}; known are {{AccountID}}, {{SessionName}}, {{SessionNameRaw}}, {{AccessKeyID}}',
    );
    expect(() => mapping({ groups: ['{{Session}}'] })).toThrow('uses {{Session}}');
  });

  test('come from the environment as JSON', () => {
    const config = { stsHosts: [HOST], mappings, clusterHeader: 'x-my-cluster' };
    expect(readAwsIdentityConfig(JSON.stringify(config))).toEqual(config);
    expect(() => readAwsIdentityConfig('{')).toThrow('is not JSON');
    expect(() => readAwsIdentityConfig('{"stsHosts":[HOST]}'.replace('HOST', '1'))).toThrow('stsHosts has an entry');
    expect(() => readAwsIdentityConfig('{"stsHosts":[]}')).toThrow('mappings is not a list');
    expect(() => readAwsIdentityConfig('{"stsHosts":[],"mappings":[{"arn":"x"}]}')).toThrow('lacks arn or username');
  });

  test("take a role's ARN with a path, a session's, or an account's root", () => {
    for (const arn of [
      `arn:aws:iam::${ACCOUNT}:role/a/b/c`,
      `arn:aws:sts::${ACCOUNT}:assumed-role/c/session`,
      `arn:aws:iam::${ACCOUNT}:root`,
      `arn:aws-cn:iam::${ACCOUNT}:user/x`,
    ])
      expect(() => mapping({ arn })).not.toThrow();
  });
});
