import { stringify } from 'yaml';
import type { CertificateAndKey } from '../lib/pki/index.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A kubeconfig with one cluster, one user and the current context `zeroplane`. */
export function kubeconfig(options: {
  server: string;
  ca: string;
  user: string;
  credential: CertificateAndKey;
}): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'zeroplane',
        cluster: { server: options.server, 'certificate-authority-data': base64(options.ca) },
      },
    ],
    users: [
      {
        name: options.user,
        user: {
          'client-certificate-data': base64(options.credential.certificate),
          'client-key-data': base64(options.credential.privateKey),
        },
      },
    ],
    contexts: [{ name: 'zeroplane', context: { cluster: 'zeroplane', user: options.user } }],
    'current-context': 'zeroplane',
  });
}
