import { createPublicKey, verify, X509Certificate } from 'node:crypto';
import { readElements, type Element } from '../../../../lib/pki/der.js';

const REQUEST = 'CERTIFICATE REQUEST';
const CERTIFICATE = 'CERTIFICATE';

interface Algorithm {
  /** Absent where the algorithm brings its own. */
  readonly hash?: string;
  /** What is said of a signature that is not the key's. */
  readonly fault: string;
}

const RSA_FAULT = 'crypto/rsa: verification error';
const ECDSA_FAULT = 'x509: ECDSA verification failure';

/** By object identifier, in hex of its contents. */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  '2a864886f70d01010b': { hash: 'sha256', fault: RSA_FAULT },
  '2a864886f70d01010c': { hash: 'sha384', fault: RSA_FAULT },
  '2a864886f70d01010d': { hash: 'sha512', fault: RSA_FAULT },
  '2a8648ce3d040302': { hash: 'sha256', fault: ECDSA_FAULT },
  '2a8648ce3d040303': { hash: 'sha384', fault: ECDSA_FAULT },
  '2a8648ce3d040304': { hash: 'sha512', fault: ECDSA_FAULT },
  '2b6570': { fault: 'x509: Ed25519 verification failure' },
};

/** What is wrong with a PKCS #10 request in PEM form; undefined for one that its own key has signed. */
export function certificateRequestFault(pem: string): string | undefined {
  const block = readPem(pem)[0];
  if (block === undefined || block.type !== REQUEST) return `PEM block type must be ${REQUEST}`;
  try {
    return signatureFault(block.der);
  } catch {
    return 'x509: malformed certificate request';
  }
}

const ORGANIZATION = '55040a';

/** The organizations of the subject of a request in PEM form that `certificateRequestFault` found right. */
export function requestOrganizations(pem: string): string[] {
  const [info] = readElements(only(readElements(readPem(pem)[0]?.der ?? new Uint8Array())).contents);
  const [, subject] = readElements(info?.contents ?? new Uint8Array());
  const organizations: string[] = [];
  for (const set of readElements(subject?.contents ?? new Uint8Array())) {
    for (const attribute of readElements(set.contents)) {
      const [type, value] = readElements(attribute.contents);
      if (Buffer.from(type?.contents ?? []).toString('hex') !== ORGANIZATION) continue;
      organizations.push(Buffer.from(value?.contents ?? []).toString());
    }
  }
  return organizations;
}

function signatureFault(der: Uint8Array): string | undefined {
  const [info, algorithm, signature] = readElements(only(readElements(der)).contents);
  if (info === undefined || algorithm === undefined || signature === undefined) throw new RangeError('members missing');
  const [, , publicKeyInfo] = readElements(info.contents);
  if (publicKeyInfo === undefined) throw new RangeError('no public key');
  const publicKey = createPublicKey({ key: Buffer.from(publicKeyInfo.bytes), format: 'der', type: 'spki' });
  const identifier = readElements(algorithm.contents)[0]?.contents ?? new Uint8Array();
  const known = ALGORITHMS[Buffer.from(identifier).toString('hex')];
  if (known === undefined) return 'x509: cannot verify signature: algorithm unimplemented';
  // The first byte of a bit string counts its unused bits.
  const isSigned = verify(known.hash, info.bytes, publicKey, signature.contents.subarray(1));
  return isSigned ? undefined : known.fault;
}

function only(elements: readonly Element[]): Element {
  const [element, ...more] = elements;
  if (element === undefined || more.length > 0) throw new RangeError('not one element');
  return element;
}

/** What is wrong with issued certificates in PEM form, if anything. */
export function certificatesFault(pem: string): string | undefined {
  const blocks = readPem(pem);
  if (blocks.length === 0) return 'must contain at least one CERTIFICATE PEM block';
  for (const { type, hasHeaders, der } of blocks) {
    if (type !== CERTIFICATE) return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (hasHeaders) return 'no PEM block headers are permitted';
    try {
      new X509Certificate(der);
    } catch {
      return 'x509: malformed certificate';
    }
  }
  return undefined;
}

interface PemBlock {
  readonly type: string;
  readonly hasHeaders: boolean;
  readonly der: Uint8Array;
}

function readPem(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const match of text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----\r?\n([^-]*)-----END \1-----/g)) {
    const [, type = '', body = ''] = match;
    const hasHeaders = body.includes(':');
    const base64 = hasHeaders ? body.slice(body.search(/\r?\n\r?\n/)) : body;
    blocks.push({ type, hasHeaders, der: Buffer.from(base64, 'base64') });
  }
  return blocks;
}
