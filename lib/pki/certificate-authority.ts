import { webcrypto } from 'node:crypto';
import type * as X509 from '@peculiar/x509';
import type { Clock } from '../clock/clock.js';
import type { Random } from '../random.js';
import { PkiError } from './errors.js';
import { generateKeyPair, KEY_ALGORITHM, privateKeyFromPem, privateKeyToPem } from './keys.js';
import { CA_VALIDITY_MS, CERTIFICATE_VALIDITY_MS, CLOCK_SKEW_MS, SERIAL_NUMBER_BYTES } from './limits.js';

/** A certificate and the key that belongs to it, both as PEM. */
export interface CertificateAndKey {
  certificate: string;
  privateKey: string;
}

export interface Subject {
  commonName: string;
  /** Kubernetes reads them as groups. */
  organizations?: readonly string[];
}

/** Names a server answers to; an empty list of both is allowed but no client will accept such a server. */
export interface ServerNames {
  dnsNames: readonly string[];
  ipAddresses: readonly string[];
}

export type CertificateUsage = 'server' | 'client';

export interface SignOptions {
  usages: readonly CertificateUsage[];
  names?: ServerNames;
  validityMs?: number;
}

export interface PkiContext {
  clock: Clock;
  random: Random;
}

/** Loading the certificate library takes a tenth of a second, so only those who issue load it. */
async function x509(): Promise<typeof X509> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** Makes a certificate authority: a fresh key and a self-signed certificate. */
export async function createCertificateAuthority(
  context: PkiContext,
  subject: Subject = { commonName: 'zeroplane-ca' },
  validityMs = CA_VALIDITY_MS,
): Promise<CertificateAndKey> {
  const library = await x509();
  const keys = await generateKeyPair();
  const certificate = await library.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(context.random),
      name: distinguishedName(library, subject),
      ...validity(context.clock, validityMs),
      signingAlgorithm: KEY_ALGORITHM,
      keys,
      extensions: [
        new library.BasicConstraintsExtension(true, undefined, true),
        new library.KeyUsagesExtension(
          library.KeyUsageFlags.keyCertSign | library.KeyUsageFlags.cRLSign | library.KeyUsageFlags.digitalSignature,
          true,
        ),
        await library.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: pemText(certificate), privateKey: await privateKeyToPem(keys.privateKey) };
}

/** Issues certificates under one CA. Cheap to make: nothing is loaded before the first certificate. */
export class CertificateAuthority {
  /** The CA's certificate as PEM: what clients are given to trust. */
  readonly certificate: string;
  readonly #privateKey: string;
  readonly #context: PkiContext;
  #issuer: Promise<{ certificate: X509.X509Certificate; key: webcrypto.CryptoKey }> | undefined;

  constructor(ca: CertificateAndKey, context: PkiContext) {
    this.certificate = ca.certificate;
    this.#privateKey = ca.privateKey;
    this.#context = context;
  }

  /** A fresh key and a certificate for a TLS server of these names. */
  async issueServer(subject: Subject, names: ServerNames, validityMs?: number): Promise<CertificateAndKey> {
    return this.issue(subject, { usages: ['server'], names, validityMs });
  }

  /** A fresh key and a certificate by which a client is `commonName` in the groups `organizations`. */
  async issueClient(subject: Subject, validityMs?: number): Promise<CertificateAndKey> {
    return this.issue(subject, { usages: ['client'], validityMs });
  }

  async issue(subject: Subject, options: SignOptions): Promise<CertificateAndKey> {
    const keys = await generateKeyPair();
    const [certificate, privateKey] = await Promise.all([
      this.#sign(subject, keys.publicKey, options),
      privateKeyToPem(keys.privateKey),
    ]);
    return { certificate, privateKey };
  }

  /**
   * Signs a PKCS #10 request with the subject it names; usages and names come from the caller, who has approved them.
   * Throws `malformed` for what is no request and `bad-signature` when the requester does not hold the key.
   */
  async signRequest(requestPem: string, options: SignOptions): Promise<string> {
    const library = await x509();
    const request = parseRequest(library, requestPem);
    if (!(await request.verify(webcrypto)))
      throw new PkiError('bad-signature', 'the certificate request is not signed by its own key');
    return this.#sign(subjectOfRequest(request), request.publicKey, options);
  }

  async #sign(subject: Subject, publicKey: X509.PublicKeyType, options: SignOptions): Promise<string> {
    const library = await x509();
    this.#issuer ??= this.#loadIssuer(library);
    const issuer = await this.#issuer;
    const { notBefore, notAfter } = validity(this.#context.clock, options.validityMs ?? CERTIFICATE_VALIDITY_MS);
    const caNotAfter = issuer.certificate.notAfter;
    const certificate = await library.X509CertificateGenerator.create(
      {
        serialNumber: serialNumber(this.#context.random),
        subject: distinguishedName(library, subject),
        issuer: issuer.certificate.subjectName,
        notBefore,
        notAfter: notAfter > caNotAfter ? caNotAfter : notAfter,
        signingAlgorithm: KEY_ALGORITHM,
        signingKey: issuer.key,
        publicKey,
        extensions: await this.#extensions(library, issuer.certificate, options),
      },
      webcrypto,
    );
    return pemText(certificate);
  }

  async #extensions(
    library: typeof X509,
    issuer: X509.X509Certificate,
    options: SignOptions,
  ): Promise<X509.Extension[]> {
    const usages = options.usages.map((usage) =>
      usage === 'server' ? library.ExtendedKeyUsage.serverAuth : library.ExtendedKeyUsage.clientAuth,
    );
    const names = [
      ...(options.names?.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
      ...(options.names?.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
    ];
    return [
      new library.BasicConstraintsExtension(false, undefined, true),
      new library.KeyUsagesExtension(library.KeyUsageFlags.digitalSignature, true),
      new library.ExtendedKeyUsageExtension(usages),
      await library.AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
      ...(names.length === 0 ? [] : [new library.SubjectAlternativeNameExtension(names)]),
    ];
  }

  async #loadIssuer(library: typeof X509): Promise<{ certificate: X509.X509Certificate; key: webcrypto.CryptoKey }> {
    const key = await privateKeyFromPem(this.#privateKey);
    try {
      return { certificate: new library.X509Certificate(this.certificate), key };
    } catch (error) {
      throw new PkiError('malformed', 'the CA certificate is not a certificate in PEM form', { cause: error });
    }
  }
}

/** Each organization is a part of its own, and text is UTF-8, since user names hold characters that the older string type lacks. */
function distinguishedName(library: typeof X509, subject: Subject): X509.Name {
  return new library.Name([
    ...(subject.organizations ?? []).map((organization) => ({ O: [{ utf8String: organization }] })),
    { CN: [{ utf8String: subject.commonName }] },
  ]);
}

function validity(clock: Clock, validityMs: number): { notBefore: Date; notAfter: Date } {
  const now = clock.now();
  return { notBefore: new Date(now - CLOCK_SKEW_MS), notAfter: new Date(now + validityMs) };
}

/** Random and positive: the top bit is clear, and the next one set so that the length never varies. */
function serialNumber(random: Random): string {
  const bytes = Buffer.alloc(SERIAL_NUMBER_BYTES);
  for (let offset = 0; offset < SERIAL_NUMBER_BYTES; offset += 4) bytes.writeUInt32BE(random.uint32(), offset);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function pemText(certificate: X509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

function parseRequest(library: typeof X509, pem: string): X509.Pkcs10CertificateRequest {
  try {
    return new library.Pkcs10CertificateRequest(pem);
  } catch (error) {
    throw new PkiError('malformed', 'not a certificate request in PEM form', { cause: error });
  }
}

function subjectOfRequest(request: X509.Pkcs10CertificateRequest): Subject {
  const commonName = request.subjectName.getField('CN')[0];
  if (commonName === undefined) throw new PkiError('malformed', 'the certificate request has no common name');
  return { commonName, organizations: request.subjectName.getField('O') };
}
