import type { SecretFiles } from './secret-files.js';

export const VERSION = '0.1.0';

/** Where a cluster in memory gives its backup: nobody else can reach it there. Not part of Kubernetes' API. */
export const BACKUP_PATH = '/zeroplane/backup';

/** Which cluster is meant: of a data folder, on AWS (`cluster`), or one that runs in memory (`kubeconfig`). */
export interface ClusterFlags {
  data: string;
  cluster?: string;
  region?: string;
  kubeconfig?: string;
}

/** What makes a cluster the one that nodes, kubeconfigs and tokens know. Everything else is issued anew. */
const SECRETS = ['ca.crt', 'ca.key', 'front-proxy-ca.crt', 'front-proxy-ca.key', 'service-account.key'] as const;

export function keptSecrets(files: SecretFiles): Map<string, string> {
  const secrets = new Map<string, string>();
  for (const name of SECRETS) {
    const text = files.read(name);
    if (text !== undefined) secrets.set(name, text);
  }
  return secrets;
}
