import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { bitString, explicit, integer, objectIdentifier, sequence, setOf, utf8String } from '../../../lib/pki/der.js';
import { toPem } from '../../../lib/pki/pem.js';
import { testServer, type TestServer } from '../registry/test-server.js';
import { staticAdmission } from './index.js';

const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client';
const COMMON_NAME = '2.5.4.3';
const ORGANIZATION = '2.5.4.10';
const ECDSA_SHA256 = '1.2.840.10045.4.3.2';

/** A PKCS #10 request, as the object carries it. */
function requestFor(organization: string): string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const part = (type: string, text: string) => setOf(sequence(objectIdentifier(type), utf8String(text)));
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const subject = sequence(part(ORGANIZATION, organization), part(COMMON_NAME, 'jane'));
  const info = sequence(integer(Uint8Array.of(0)), subject, spki, explicit(0, new Uint8Array()));
  const key = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const signature = bitString(new Uint8Array(sign('sha256', info, key)));
  const pem = toPem('CERTIFICATE REQUEST', sequence(info, sequence(objectIdentifier(ECDSA_SHA256)), signature));
  return Buffer.from(pem).toString('base64');
}

/** What the user may do with signers: `approve example.com/*`. */
let granted: Set<string>;
let server: TestServer;
beforeEach(() => {
  granted = new Set();
  server = testServer({
    admission: staticAdmission(),
    authorizer: {
      authorize: async ({ resource, verb, name }) => ({
        allowed: resource !== 'signers' || granted.has(`${verb} ${name}`),
        reason: '',
      }),
    },
  });
});

async function make(signerName: string, organization = 'people'): Promise<{ status: number; message: string }> {
  const spec = { signerName, usages: ['client auth'], request: requestFor(organization) };
  const { status, json } = await server.request('POST', REQUESTS, { metadata: { name: 'r' }, spec });
  return { status, message: json.message };
}

/** Writes a condition, or a certificate, through a subresource. */
async function write(subresource: string, status: object): Promise<{ status: number; message: string }> {
  const present = (await server.request('GET', `${REQUESTS}/r`)).json;
  const answer = await server.request('PUT', `${REQUESTS}/r/${subresource}`, { ...present, status });
  return { status: answer.status, message: answer.json.message };
}

const condition = (type: string): object => ({ conditions: [{ type, status: 'True', reason: 'Tested' }] });
const refused = (verb: string): string =>
  `certificatesigningrequests.certificates.k8s.io "r" is forbidden: user not permitted to ${verb} requests with signerName "example.com/one"`;

test.each(['approve example.com/one', 'approve example.com/*'])('who may %s approves', async (right) => {
  await make('example.com/one');
  for (const other of ['approve example.com/two', 'approve other.com/*', 'approve *', 'sign example.com/one'])
    granted.add(other);
  expect(await write('approval', condition('Approved'))).toEqual({ status: 403, message: refused('approve') });
  granted.add(right);
  expect((await write('approval', condition('Approved'))).status).toBe(200);
});

test('who may sign says why a request has failed; other writes of the status need no right to sign', async () => {
  await make('example.com/one');
  granted.add('approve example.com/one');
  expect(await write('status', condition('Failed'))).toEqual({ status: 403, message: refused('sign') });
  expect((await write('status', {})).status).toBe(200);
  granted.add('sign example.com/*');
  expect((await write('status', condition('Failed'))).status).toBe(200);
});

test('nobody asks the signer of API clients for the group that may do everything', async () => {
  expect(await make(CLIENT_SIGNER, 'system:masters')).toEqual({
    status: 403,
    message: `certificatesigningrequests.certificates.k8s.io "r" is forbidden: use of ${CLIENT_SIGNER} signer with system:masters group is not allowed`,
  });
  expect((await make('example.com/one', 'system:masters')).status).toBe(201);
  await server.request('DELETE', `${REQUESTS}/r`);
  expect((await make(CLIENT_SIGNER)).status).toBe(201);
});
