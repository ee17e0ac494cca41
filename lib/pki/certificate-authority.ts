import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import type { Clock } from '../clock/clock.js';
import type { Random } from '../random.js';
import {
  caExtensions,
  distinguishedName,
  leafExtensions,
  signCertificate,
  subjectOf,
  type CertificateUsage,
  type ServerNames,
  type Subject,
} from './certificate.js';
import type { Der } from './der.js';
import { PkiError } from './errors.js';
import { CA_VALIDITY_MS, CERTIFICATE_VALIDITY_MS, CLOCK_SKEW_MS, SERIAL_NUMBER_BYTES } from './limits.js';

/** A certificate and the key that belongs to it, both as PEM. */
export interface CertificateAndKey {
  certificate: string;
  /** PKCS #8. */
  privateKey: string;
}

export interface SignOptions {
  usages: readonly CertificateUsage[];
  names?: ServerNames;
  validityMs?: number;
}

export interface PkiContext {
  clock: Clock;
  random: Random;
}

/** ECDSA on P-256: the only kind of key the cluster makes. A key takes well under a millisecond. */
const CURVE = 'P-256';

/** Makes a certificate authority: a fresh key and a self-signed certificate. */
export async function createCertificateAuthority(
  context: PkiContext,
  subject: Subject = { commonName: 'zeroplane-ca' },
  validityMs = CA_VALIDITY_MS,
): Promise<CertificateAndKey> {
  const keys = generateKeyPairSync('ec', { namedCurve: CURVE });
  const publicKey = derOf(keys.publicKey);
  const name = distinguishedName(subject);
  const now = context.clock.now();
  const certificate = signCertificate(
    {
      serialNumber: serialNumber(context.random),
      issuer: name,
      subject: name,
      notBeforeMs: now - CLOCK_SKEW_MS,
      notAfterMs: now + validityMs,
      publicKey,
      extensions: caExtensions(publicKey),
    },
    keys.privateKey,
  );
  return { certificate, privateKey: pemOf(keys.privateKey) };
}

/** Issues certificates under one CA. */
export class CertificateAuthority {
  /** The CA's certificate as PEM: what clients are given to trust. */
  readonly certificate: string;
  readonly #privateKey: string;
  readonly #context: PkiContext;
  #issuer: { subject: Der; publicKey: Der; notAfterMs: number; key: KeyObject } | undefined;

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
    const keys = generateKeyPairSync('ec', { namedCurve: CURVE });
    const certificate = this.#sign(subject, derOf(keys.publicKey), options);
    return { certificate, privateKey: pemOf(keys.privateKey) };
  }

  #sign(subject: Subject, publicKey: Der, options: SignOptions): string {
    const issuer = (this.#issuer ??= this.#loadIssuer());
    const now = this.#context.clock.now();
    return signCertificate(
      {
        serialNumber: serialNumber(this.#context.random),
        issuer: issuer.subject,
        subject: distinguishedName(subject),
        notBeforeMs: now - CLOCK_SKEW_MS,
        notAfterMs: Math.min(now + (options.validityMs ?? CERTIFICATE_VALIDITY_MS), issuer.notAfterMs),
        publicKey,
        extensions: leafExtensions(options.usages, options.names, issuer.publicKey),
      },
      issuer.key,
    );
  }

  #loadIssuer(): { subject: Der; publicKey: Der; notAfterMs: number; key: KeyObject } {
    try {
      const certificate = new X509Certificate(this.certificate);
      return {
        subject: subjectOf(certificate.raw),
        publicKey: derOf(certificate.publicKey),
        notAfterMs: Date.parse(certificate.validTo),
        key: createPrivateKey(this.#privateKey),
      };
    } catch (error) {
      throw new PkiError('malformed', 'the CA certificate or its key is not in PEM form', { cause: error });
    }
  }
}

function derOf(key: KeyObject): Der {
  const publicKey = key.type === 'public' ? key : createPublicKey(key);
  return publicKey.export({ type: 'spki', format: 'der' });
}

function pemOf(privateKey: KeyObject): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Random and positive: the top bit is clear, and the next one set so that the length never varies. */
function serialNumber(random: Random): Uint8Array {
  const bytes = Buffer.alloc(SERIAL_NUMBER_BYTES);
  for (let offset = 0; offset < SERIAL_NUMBER_BYTES; offset += 4) bytes.writeUInt32BE(random.uint32(), offset);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes;
}
