import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { V1CertificateSigningRequest } from '../../../../lib/schema/generated/types.js';
import {
  bitString,
  explicit,
  integer,
  objectIdentifier,
  sequence,
  setOf,
  utf8String,
} from '../../../../lib/pki/der.js';
import { toPem } from '../../../../lib/pki/pem.js';
import { kindTester } from '../testing/kind-tester.js';
import { certificateRequestFault } from './certificate-request.js';
import { certificateSigningRequest } from './certificate-signing-request.js';
import { signerNameErrors } from './signer-name.js';

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';

/** A PKCS #10 request for `name`; `tamper` changes what was signed. */
function requestPem(name: string, tamper = false): string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = (common: string) => sequence(setOf(sequence(objectIdentifier(COMMON_NAME), utf8String(common))));
  const spki = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }));
  const info = (common: string) =>
    sequence(integer(Uint8Array.of(0)), subject(common), spki, explicit(0, new Uint8Array()));
  const signature = sign('sha256', info(name), createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  const signed = info(tamper ? `${name}x` : name);
  return toPem(
    'CERTIFICATE REQUEST',
    sequence(signed, sequence(objectIdentifier(ECDSA_SHA256)), bitString(new Uint8Array(signature))),
  );
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const metadata = { name: 'any Thing', creationTimestamp: '1970-01-01T00:00:00Z' };
const request = base64(requestPem('jane'));
const spec = { request, signerName: 'example.com/signer', usages: ['client auth'] };

test('signatures of requests', () => {
  expect(certificateRequestFault(requestPem('jane'))).toBeUndefined();
  expect(certificateRequestFault(requestPem('jane', true))).toBe('x509: ECDSA verification failure');
  expect(certificateRequestFault('')).toBe('PEM block type must be CERTIFICATE REQUEST');
  expect(certificateRequestFault(toPem('CERTIFICATE', Uint8Array.of(1)))).toBe(
    'PEM block type must be CERTIFICATE REQUEST',
  );
  const noise = createHash('sha512').update('x').digest();
  expect(certificateRequestFault(toPem('CERTIFICATE REQUEST', noise))).toBe('x509: malformed certificate request');
});

test.each<[string, string[]]>([
  ['example.com/signer', []],
  ['', ['f: Required value']],
  [
    'signer',
    ['f: Invalid value: "signer": must be a fully qualified domain and path of the form \'example.com/signer-name\''],
  ],
  ['com/signer', ['f: Invalid value: "com": should be a domain with at least two segments separated by dots']],
])('signer name %s', (name, errors) => {
  expect(signerNameErrors('f', name).map(({ field, body }) => `${field}: ${body}`)).toEqual(errors);
});

describe('certificate signing requests', () => {
  const tester = kindTester<V1CertificateSigningRequest>(certificateSigningRequest);

  test('say who made them', () => {
    const created = tester.create({ metadata, spec: { ...spec, username: 'root', groups: ['system:masters'] } });
    expect(created.spec).toMatchObject({ username: 'tester' });
    expect(created.spec?.groups ?? []).toEqual([]);
  });

  test.each<[object, string[]]>([
    [spec, []],
    [{ ...spec, usages: [] }, ['spec.usages: Required value']],
    [{ ...spec, usages: ['client auth', 'client auth'] }, ['spec.usages[1]: Duplicate value: "client auth"']],
    [
      { ...spec, signerName: 'kubernetes.io/legacy-unknown' },
      [
        'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version',
      ],
    ],
    [
      { ...spec, expirationSeconds: 60 },
      ['spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 600 seconds (10 minutes)'],
    ],
    [
      { ...spec, request: base64('nonsense') },
      [`spec.request: Invalid value: "${base64('nonsense')}": PEM block type must be CERTIFICATE REQUEST`],
    ],
  ])('validation of %j', (given, errors) => {
    expect(tester.createErrors({ metadata, spec: given })).toEqual(errors);
  });

  const time = '2026-01-01T00:00:00Z';
  const approved = {
    type: 'Approved',
    status: 'True',
    reason: 'Ok',
    lastUpdateTime: time,
    lastTransitionTime: time,
  };

  test('are decided on through approval alone', () => {
    const old = { metadata, spec };
    const decided = { ...old, status: { conditions: [approved] } };
    expect(tester.updateErrors(decided, old, 'status')).toEqual([
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ]);
    expect(tester.updateErrors({ ...decided, status: {} }, decided, 'status')).toEqual([
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
    ]);
    const both = { ...old, status: { conditions: [approved, { type: 'Denied', status: 'True' }] } };
    expect(tester.updateErrors(both, decided, 'status')).toEqual([
      'status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
      'status.conditions: Forbidden: updates may not add a condition of type "Denied"',
    ]);
    const failed = { ...old, status: { conditions: [approved, { type: 'Failed', status: 'True' }] } };
    const written = tester.update(failed, decided, 'status');
    expect(written.status?.conditions?.[1]?.lastUpdateTime).toMatch(/^\d{4}-/);
  });

  test('take their certificate once, through status', () => {
    const old = { metadata, spec };
    const certificate = base64(requestPem('x'));
    expect(tester.updateErrors({ ...old, status: { certificate } }, old, 'status')).toEqual([
      'status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are allowed, found "CERTIFICATE REQUEST"',
    ]);
  });

  test('columns', () => {
    const status = { conditions: [approved], certificate: base64('x') };
    const object = { metadata, spec: { ...spec, expirationSeconds: 3600, username: 'jane' }, status };
    expect(tester.cells(object, 60_000)).toEqual({
      Age: '60s',
      SignerName: 'example.com/signer',
      Requestor: 'jane',
      RequestedDuration: '60m',
      Condition: 'Approved,Issued',
    });
    expect(tester.cells({ metadata, spec })).toMatchObject({ Condition: 'Pending', RequestedDuration: '<none>' });
  });
});
