import { rootCertificates } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import type { CloudParts } from './parts.js';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/;

/**
 * What pods trust the API server by: the authority of the cluster, made at the very first start, and Amazon's roots, which sign for function
 * URLs.
 */
export async function trustedCertificates(parts: CloudParts): Promise<string> {
  const { config, clock, random, parameters } = parts;
  const authority = await parameters.readOrMake(config.authorityParameter, async () => {
    // Only the first start of a cluster needs what makes certificates.
    const { createCertificateAuthority } = await import('../../lib/pki/certificate-authority.js');
    const { certificate, privateKey } = await createCertificateAuthority({ clock, random });
    return `${certificate.trim()}\n${privateKey.trim()}\n`;
  });
  const own = CERTIFICATE.exec(authority)?.[0];
  if (own === undefined) throw new Error(`the parameter ${config.authorityParameter} holds no certificate`);
  return `${[own, ...amazonRoots()].join('\n')}\n`;
}

function amazonRoots(): string[] {
  return rootCertificates.filter((pem) =>
    /^O=(Amazon|Starfield Technologies, Inc\.)$/m.test(new X509Certificate(pem).subject),
  );
}
