import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { assumeRole } from './aws-credentials.js';
import { execCredential } from './token.js';

const NOW_MS = Date.UTC(2026, 10, 21, 12, 0, 0);

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAJANE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  vi.stubEnv('AWS_SESSION_TOKEN', 'a+b/c==');
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('KUBERNETES_EXEC_INFO', '');
});

afterEach(() => vi.unstubAllEnvs());

interface Credential {
  kind: string;
  apiVersion: string;
  status: { token: string; expirationTimestamp: string };
}

const credential = async (flags: object = {}): Promise<Credential> =>
  (await execCredential({ clusterName: 'demo', ...flags }, NOW_MS)) as Credential;

describe('zeroplane token', () => {
  test('is a presigned GetCallerIdentity with the parameters of aws eks get-token, good for fourteen minutes', async () => {
    const { kind, apiVersion, status } = await credential();
    expect({ kind, apiVersion }).toEqual({
      kind: 'ExecCredential',
      apiVersion: 'client.authentication.k8s.io/v1',
    });
    expect(status.expirationTimestamp).toBe('2026-11-21T12:14:00Z');
    expect(status.token).toMatch(/^k8s-aws-v1\.[\w-]+$/);
    const url = new URL(Buffer.from(status.token.slice('k8s-aws-v1.'.length), 'base64url').toString());
    expect(url.origin + url.pathname).toBe('https://sts.eu-central-1.amazonaws.com/');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      Action: 'GetCallerIdentity',
      Version: '2011-06-15',
      'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
      'X-Amz-Credential': 'AKIAJANE/20261121/eu-central-1/sts/aws4_request',
      'X-Amz-Date': '20261121T120000Z',
      'X-Amz-Expires': '60',
      'X-Amz-Security-Token': 'a+b/c==',
      'X-Amz-SignedHeaders': 'host;x-k8s-aws-id',
      'X-Amz-Signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  test('asks STS of the region that is given, in China by its own domain', async () => {
    const hostOf = ({ status }: Credential): string =>
      new URL(Buffer.from(status.token.split('.')[1] ?? '', 'base64url').toString()).host;
    expect(hostOf(await credential({ region: 'us-east-2' }))).toBe('sts.us-east-2.amazonaws.com');
    expect(hostOf(await credential({ region: 'cn-north-1' }))).toBe('sts.cn-north-1.amazonaws.com.cn');
  });

  test('differs between clusters', async () => {
    expect((await credential()).status.token).not.toBe((await credential({ clusterName: 'other' })).status.token);
  });

  test('speaks the version that the client asks for', async () => {
    const ask = (apiVersion: string): void =>
      void vi.stubEnv('KUBERNETES_EXEC_INFO', JSON.stringify({ kind: 'ExecCredential', apiVersion, spec: {} }));
    ask('client.authentication.k8s.io/v1beta1');
    expect((await credential()).apiVersion).toBe('client.authentication.k8s.io/v1beta1');
    ask('client.authentication.k8s.io/v1alpha1');
    await expect(credential()).rejects.toThrow('the client asks for "client.authentication.k8s.io/v1alpha1"');
    vi.stubEnv('KUBERNETES_EXEC_INFO', '{');
    await expect(credential()).rejects.toThrow('KUBERNETES_EXEC_INFO is not JSON');
  });

  test('says what is wrong with its flags', async () => {
    await expect(credential({ clusterName: 'a b' })).rejects.toThrow('--cluster-name "a b"');
    await expect(credential({ region: 'a/b' })).rejects.toThrow('is not the name of an AWS region');
    await expect(credential({ clusterHeader: 'X y' })).rejects.toThrow('--cluster-header');
    await expect(credential({ roleArn: 'admin' })).rejects.toThrow('--role-arn admin is not the ARN of a role');
  });
});

describe('assuming a role', () => {
  const role = 'arn:aws:iam::123456789012:role/demo-admin';
  const credentials = { accessKeyId: 'AKIAJANE', secretAccessKey: 'secret' };

  async function assume(
    status: number,
    answer: string,
  ): Promise<{ got: unknown; body: string; authorization: string }> {
    let [body, authorization] = ['', ''];
    const server = createServer((request, response) => {
      authorization = request.headers.authorization ?? '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => response.writeHead(status).end(answer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const options = { roleArn: role, region: 'eu-central-1', credentials, nowMs: NOW_MS, endpoint };
      const got: unknown = await assumeRole(options).catch((error: unknown) => error);
      return { got, body, authorization };
    } finally {
      server.close();
    }
  }

  test('signs the question, and takes an answer in JSON or XML', async () => {
    const wanted = { accessKeyId: 'ASIA', secretAccessKey: 's/+=', sessionToken: 't/+=' };
    const json = await assume(
      200,
      JSON.stringify({
        AssumeRoleResponse: {
          AssumeRoleResult: {
            Credentials: { AccessKeyId: 'ASIA', SecretAccessKey: 's/+=', SessionToken: 't/+=', Expiration: 1 },
          },
        },
      }),
    );
    expect(json.got).toEqual(wanted);
    expect(new URLSearchParams(json.body).get('RoleArn')).toBe(role);
    expect(json.authorization).toContain('AWS4-HMAC-SHA256 Credential=AKIAJANE/20261121/eu-central-1/sts/aws4_request');
    const xml =
      '<Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s/+=</SecretAccessKey><SessionToken>t/+=</SessionToken></Credentials>';
    expect((await assume(200, xml)).got).toEqual(wanted);
  });

  test('says why it is not allowed', async () => {
    const { got } = await assume(403, JSON.stringify({ Error: { Code: 'AccessDenied', Message: 'not you' } }));
    expect(String(got)).toContain(`AWS does not let these credentials assume ${role} (status 403): not you`);
  });
});
