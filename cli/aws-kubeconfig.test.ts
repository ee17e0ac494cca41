import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { FakeClock } from '../lib/clock/fake.js';
import { httpsTransport } from '../lib/client/https-transport.js';
import { systemRandom } from '../lib/random.js';
import { CertificateAuthority, createCertificateAuthority } from '../lib/pki/index.js';
import { awsKubeconfig } from './aws-kubeconfig.js';
import { execToken } from './exec-token.js';
import { readKubeconfig } from './read-kubeconfig.js';

const SERVER = 'https://abc.lambda-url.eu-central-1.on.aws/';
const flags = { server: SERVER, clusterName: 'demo', region: 'eu-central-1' };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-kubeconfig-'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('a kubeconfig for a cluster on AWS', () => {
  test('holds no secret, and says how to get a token', () => {
    const config = parse(
      awsKubeconfig({ ...flags, roleArn: 'arn:aws:iam::123456789012:role/x' }, { node: '/n', script: '/z' }),
    );
    expect(config['current-context']).toBe('zeroplane-demo');
    expect(config.clusters).toEqual([
      { name: 'zeroplane-demo', cluster: { server: 'https://abc.lambda-url.eu-central-1.on.aws' } },
    ]);
    expect(config.users[0].user.exec).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1',
      command: '/n',
      args: [
        '/z',
        'token',
        '--cluster-name',
        'demo',
        '--region',
        'eu-central-1',
        '--role-arn',
        'arn:aws:iam::123456789012:role/x',
      ],
      interactiveMode: 'Never',
      provideClusterInfo: false,
    });
  });

  test('refuses what cannot work', () => {
    expect(() => awsKubeconfig({ ...flags, server: 'abc' })).toThrow('--server abc is not a URL');
    expect(() => awsKubeconfig({ ...flags, server: 'http://localhost' })).toThrow('is not an https URL');
    expect(() => awsKubeconfig({ server: SERVER })).toThrow('--server needs --cluster-name and --region as well');
  });
});

describe('credential plugins', () => {
  /** A plugin that counts its runs in a file, and prints that number as its token. */
  function plugin(expirationTimestamp: string): {
    command: string;
    args: string[];
    apiVersion: string;
    runs: () => number;
  } {
    const counter = path.join(folder, `${Math.random()}`);
    const script = `
      const fs = require('node:fs');
      fs.appendFileSync(${JSON.stringify(counter)}, 'x');
      const count = fs.readFileSync(${JSON.stringify(counter)}).length;
      const { apiVersion } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
      console.log(JSON.stringify({ kind: 'ExecCredential', apiVersion,
        status: { token: 'token-' + count, expirationTimestamp: ${JSON.stringify(expirationTimestamp)} } }));`;
    return {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', script],
      runs: () => readFileSync(counter).length,
    };
  }

  test('run once for many who ask, and again when the token nears its end', async () => {
    const clock = new FakeClock(Date.UTC(2026, 0, 1));
    const counted = plugin('2026-01-01T00:14:00Z');
    const token = execToken(counted, { clock });
    expect(await Promise.all([token(), token(), token()])).toEqual(['token-1', 'token-1', 'token-1']);
    await clock.advance(13 * 60_000);
    expect(await token()).toBe('token-1');
    await clock.advance(31_000);
    expect(await token()).toBe('token-2');
    expect(counted.runs()).toBe(2);
  });

  test('that fail say why', async () => {
    const clock = new FakeClock();
    const failing = (script: string): Promise<string> =>
      execToken({ apiVersion: 'v1', command: process.execPath, args: ['-e', script] }, { clock })();
    await expect(failing('console.error("no such profile"); process.exit(1)')).rejects.toThrow('no such profile');
    await expect(failing('console.log("hello")')).rejects.toThrow('did not print an ExecCredential');
    await expect(failing('console.log("{}")')).rejects.toThrow('without a token');
  });

  test('give the token of each request, and whom to act as', async () => {
    const clock = new FakeClock(Date.now());
    const context = { clock, random: systemRandom() };
    const made = await createCertificateAuthority(context);
    const authority = new CertificateAuthority(made, context);
    const { certificate, privateKey } = await authority.issueServer(
      { commonName: 'api' },
      { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
    );
    const server = createServer({ cert: certificate, key: privateKey }, (request, response) =>
      response.end(
        ['authorization', 'impersonate-user', 'impersonate-group'].map((name) => request.headers[name]).join(' '),
      ),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const file = path.join(folder, 'config');
    const { runs: _runs, ...exec } = plugin('2100-01-01T00:00:00Z');
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    writeFileSync(
      file,
      stringify({
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        clusters: [
          {
            name: 'c',
            cluster: { server: url, 'certificate-authority-data': Buffer.from(made.certificate).toString('base64') },
          },
        ],
        users: [{ name: 'u', user: { exec, as: 'jane', 'as-groups': ['dev', 'ops'] } }],
      }),
    );
    const transport = httpsTransport(readKubeconfig(file));
    const answer = await transport.send({ method: 'GET', path: '/', headers: {} });
    expect(Buffer.from(await answer.bytes()).toString()).toBe('Bearer token-1 jane dev, ops');
    transport.close();
    server.close();
  });
});
