import { rootCertificates } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { FRONT_PROXY_NAME } from '../apiserver/auth/users.js';
import type { FrontProxy } from '../composition/api.js';
import { LateModule } from '../../lib/late-module.js';
import type { CertificateAndKey } from '../../lib/pki/certificate-authority.js';
import type { CloudParts } from './parts.js';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/;
const PRIVATE_KEY = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----/;

/** What makes certificates: needed by the first start of a cluster, and by the API server. */
const pki = new LateModule(() => import('../../lib/pki/certificate-authority.js'));

/** What pods trust, and the part of it that is the cluster's own. PEM. */
export interface TrustedCertificates {
  own: string;
  all: string;
}

/**
 * What pods trust the API server by: the authority of the cluster, made at the very first start, and Amazon's roots, which sign for function
 * URLs.
 */
export async function trustedCertificates(parts: CloudParts): Promise<TrustedCertificates> {
  const { certificate: own } = await openAuthority(parts, parts.config.authorityParameter, 'zeroplane-ca');
  return { own, all: `${[own, ...amazonRoots()].join('\n')}\n` };
}

/**
 * Who the API server is to API servers behind it: a certificate of an authority that signs for nobody else, since whoever has one can say that a
 * request comes from anybody. Issued anew in each environment, which lives for hours.
 */
export async function frontProxy(parts: CloudParts): Promise<FrontProxy | undefined> {
  const { config, clock, random } = parts;
  if (config.frontProxyParameter === undefined) return undefined;
  const authority = await openAuthority(parts, config.frontProxyParameter, 'zeroplane-front-proxy-ca');
  await pki.load();
  const issuer = new pki.module.CertificateAuthority(authority, { clock, random });
  const { certificate: cert, privateKey: key } = await issuer.issueClient({ commonName: FRONT_PROXY_NAME });
  return { identity: { cert, key }, caCertificate: authority.certificate };
}

async function openAuthority(parts: CloudParts, parameter: string, commonName: string): Promise<CertificateAndKey> {
  const { clock, random, parameters } = parts;
  const text = await parameters.readOrMake(parameter, async () => {
    await pki.load();
    const made = await pki.module.createCertificateAuthority({ clock, random }, { commonName });
    return `${made.certificate.trim()}\n${made.privateKey.trim()}\n`;
  });
  const certificate = CERTIFICATE.exec(text)?.[0];
  const privateKey = PRIVATE_KEY.exec(text)?.[0];
  if (certificate === undefined || privateKey === undefined)
    throw new Error(
      `the parameter ${parameter} does not hold a certificate and its key: delete it to have both made anew`,
    );
  return { certificate, privateKey };
}

function amazonRoots(): string[] {
  return rootCertificates.filter((pem) =>
    /^O=(Amazon|Starfield Technologies, Inc\.)$/m.test(new X509Certificate(pem).subject),
  );
}
