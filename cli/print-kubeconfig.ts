import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { systemClock } from '../lib/clock/system.js';
import { systemRandom } from '../lib/random.js';
import { ClusterPki } from './cluster-pki.js';
import { dataFolder, readInstance } from './data-folder.js';
import { UserError } from './errors.js';
import { kubeconfig } from './kubeconfig.js';
import { FolderSecretFiles } from './secret-files.js';

/** A node's name is a DNS-1123 subdomain. */
const NODE_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/**
 * `zeroplane kubeconfig`: prints a credential for the cluster of a data folder. A node's names an address that other machines reach.
 * @param flags.server the address to name instead: `https://cluster.example.com:6443`.
 */
export async function printKubeconfig(flags: { node?: string; data: string; server?: string }): Promise<void> {
  const folder = dataFolder(flags.data);
  const instance = readInstance(folder.instance);
  if (instance === undefined) {
    const onAws = flags.server === undefined ? '' : '. For a cluster on AWS give --cluster-name and --region as well';
    throw new UserError(
      `there is no cluster in ${folder.root}. Start one with: zeroplane up --data ${flags.data}, or name its folder with --data${onAws}`,
    );
  }
  if (flags.node !== undefined && !NODE_NAME.test(flags.node)) {
    throw new UserError(
      `--node ${flags.node} is not a node name: use lower-case letters, digits, '-' and '.', at most 253 of them`,
    );
  }
  const files = new FolderSecretFiles(folder.pki);
  const wanted = flags.server === undefined ? undefined : servedUrl(flags.server, files.read('apiserver.crt'));
  const pki = await ClusterPki.open(files, { clock: systemClock, random: systemRandom() });
  const [user, credential] =
    flags.node === undefined
      ? ['zeroplane-admin', await pki.admin()]
      : [`system:node:${flags.node}`, await pki.node(flags.node)];
  const found = flags.node === undefined ? instance.server : instance.nodeServer;
  const server = wanted ?? found ?? instance.server;
  process.stdout.write(kubeconfig({ server, ca: pki.authority.certificate, user, credential }));
  if (wanted ?? found) return;
  process.stderr.write(
    `other machines do not reach ${server}: start the cluster with --bind ADDRESS, an address of this machine that they reach, and ask again\n`,
  );
}

/**
 * The URL to name for a server, which has to be able to prove that name.
 * @param certificate PEM, of the API server.
 */
function servedUrl(text: string, certificate: string | undefined): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== 'https:' || url.pathname !== '/' || url.search !== '') {
    throw new UserError(`--server ${text} is not the URL of an API server, such as https://192.0.2.1:6443`);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const parsed = certificate === undefined ? undefined : new X509Certificate(certificate);
  const isNamed = isIP(host) === 0 ? parsed?.checkHost(host) : parsed?.checkIP(host);
  if (parsed !== undefined && isNamed === undefined) {
    throw new UserError(
      `the API server's certificate does not name ${host} (it has ${parsed.subjectAltName}): start the cluster with --advertise-address or --bind of that address`,
    );
  }
  return url.origin;
}
