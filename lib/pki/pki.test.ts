import { webcrypto, X509Certificate } from 'node:crypto';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../clock/fake.js';
import { systemClock } from '../clock/system.js';
import { seededRandom, systemRandom } from '../random.js';
import {
  CertificateAuthority,
  createCertificateAuthority,
  inspectCertificate,
  isIssuedBy,
  needsRenewal,
  CERTIFICATE_VALIDITY_MS,
} from './index.js';

const context = { clock: systemClock, random: systemRandom() };

describe('certificates', () => {
  test('a server and a client of one CA accept each other over TLS, and the subject arrives', async () => {
    const ca = await createCertificateAuthority(context);
    const authority = new CertificateAuthority(ca, context);
    const server = await authority.issueServer(
      { commonName: 'kube-apiserver' },
      { dnsNames: ['localhost', 'kubernetes.default.svc'], ipAddresses: ['127.0.0.1', '10.96.0.1', '::1'] },
    );
    const client = await authority.issueClient({
      commonName: 'system:node:a@b é',
      organizations: ['system:nodes', 'second'],
    });
    const peer = await new Promise<{ authorized: boolean; subject: unknown }>((resolve, reject) => {
      const listener = createServer(
        { cert: server.certificate, key: server.privateKey, ca: ca.certificate, requestCert: true },
        (socket: TLSSocket) => {
          resolve({ authorized: socket.authorized, subject: { ...socket.getPeerCertificate().subject } });
          socket.end();
          listener.close();
        },
      );
      listener.listen(0, '127.0.0.1', () => {
        const { port } = listener.address() as AddressInfo;
        const socket = connect({
          host: '127.0.0.1',
          port,
          ca: ca.certificate,
          cert: client.certificate,
          key: client.privateKey,
        });
        socket.on('error', reject);
        socket.resume();
      });
    });
    expect(peer).toEqual({
      authorized: true,
      subject: { CN: 'system:node:a@b é', O: ['system:nodes', 'second'] },
    });
  });

  test('carry what was asked for', async () => {
    const clock = new FakeClock();
    const fake = { clock, random: seededRandom(7) };
    const ca = await createCertificateAuthority(fake);
    const authority = new CertificateAuthority(ca, fake);
    const server = await authority.issueServer(
      { commonName: 'kube-apiserver' },
      { dnsNames: ['localhost'], ipAddresses: ['10.96.0.1', 'fd00:0::1'] },
    );
    const certificate = new X509Certificate(server.certificate);
    expect(certificate.checkIP('10.96.0.1')).toBe('10.96.0.1');
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.ca).toBe(false);
    expect(certificate.checkIssued(new X509Certificate(ca.certificate))).toBe(true);
    expect(BigInt(`0x${certificate.serialNumber}`)).toBeGreaterThan(0n);
    expect(new X509Certificate(ca.certificate).ca).toBe(true);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(inspectCertificate(server.certificate)).toMatchObject({
      commonName: 'kube-apiserver',
      dnsNames: ['localhost'],
      ipAddresses: ['10.96.0.1', 'fd00::1'],
      notAfterMs: clock.now() + CERTIFICATE_VALIDITY_MS,
    });
    expect(isIssuedBy(server.certificate, ca.certificate)).toBe(true);
    const other = await createCertificateAuthority(fake);
    expect(isIssuedBy(server.certificate, other.certificate)).toBe(false);
  });

  test('of decades ahead have times that others can read', async () => {
    const fake = { clock: new FakeClock(), random: seededRandom(7) };
    const century = 100 * 365 * 24 * 3_600_000;
    const ca = await createCertificateAuthority(fake, { commonName: 'x' }, century);
    expect(inspectCertificate(ca.certificate).notAfterMs).toBe(fake.clock.now() + century);
    const { certificate } = await new CertificateAuthority(ca, fake).issueClient({ commonName: 'y' }, 2 * century);
    expect(inspectCertificate(certificate).notAfterMs).toBe(fake.clock.now() + century);
  });

  test('read as another library reads them', async () => {
    await import('reflect-metadata');
    const x509 = await import('@peculiar/x509');
    const ca = await createCertificateAuthority(context);
    const { certificate } = await new CertificateAuthority(ca, context).issueServer(
      { commonName: 'kube-apiserver', organizations: ['o'] },
      { dnsNames: ['kubernetes'], ipAddresses: ['10.96.0.1', '::1'] },
    );
    const read = new x509.X509Certificate(certificate);
    const issuer = new x509.X509Certificate(ca.certificate);
    expect(await read.verify({ publicKey: issuer.publicKey, signatureOnly: true }, webcrypto)).toBe(true);
    expect(read.subject).toBe('O=o, CN=kube-apiserver');
    expect(read.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON()).toEqual([
      { type: 'dns', value: 'kubernetes' },
      { type: 'ip', value: '10.96.0.1' },
      { type: 'ip', value: '::1' },
    ]);
    const identifier = issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
    expect(read.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId).toBe(identifier);
  });

  test('are renewed in the last fifth of their life, when names are missing, or when unreadable', async () => {
    const clock = new FakeClock();
    const fake = { clock, random: seededRandom(7) };
    const authority = new CertificateAuthority(await createCertificateAuthority(fake), fake);
    const { certificate } = await authority.issueServer(
      { commonName: 'x' },
      { dnsNames: ['a'], ipAddresses: ['::1'] },
      100 * 3_600_000,
    );
    expect(needsRenewal(certificate, clock, { dnsNames: ['a'], ipAddresses: ['0:0::1'] })).toBe(false);
    expect(needsRenewal(certificate, clock, { dnsNames: ['b'] })).toBe(true);
    expect(needsRenewal(certificate, clock, { ipAddresses: ['10.0.0.1'] })).toBe(true);
    expect(needsRenewal('garbage', clock)).toBe(true);
    await clock.advance(79 * 3_600_000);
    expect(needsRenewal(certificate, clock)).toBe(false);
    await clock.advance(2 * 3_600_000);
    expect(needsRenewal(certificate, clock)).toBe(true);
  });
});
