import { systemClock } from '../lib/clock/system.js';
import { systemRandom } from '../lib/random.js';
import { ClusterPki } from './cluster-pki.js';
import { dataFolder, readInstance } from './data-folder.js';
import { UserError } from './errors.js';
import { kubeconfig } from './kubeconfig.js';
import { FolderSecretFiles } from './secret-files.js';

/** A node's name is a DNS-1123 subdomain. */
const NODE_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** `zeroplane kubeconfig`: prints a credential for the cluster of a data folder. */
export async function printKubeconfig(flags: { node?: string; data: string }): Promise<void> {
  const folder = dataFolder(flags.data);
  const instance = readInstance(folder.instance);
  if (instance === undefined) {
    throw new UserError(
      `there is no cluster in ${folder.root}. Start one with: zeroplane up --data ${flags.data}, or name its folder with --data`,
    );
  }
  if (flags.node !== undefined && !NODE_NAME.test(flags.node)) {
    throw new UserError(
      `--node ${flags.node} is not a node name: use lower-case letters, digits, '-' and '.', at most 253 of them`,
    );
  }
  const pki = await ClusterPki.open(new FolderSecretFiles(folder.pki), { clock: systemClock, random: systemRandom() });
  const [user, credential] =
    flags.node === undefined
      ? ['zeroplane-admin', await pki.admin()]
      : [`system:node:${flags.node}`, await pki.node(flags.node)];
  const server = flags.node === undefined ? instance.server : (instance.nodeServer ?? instance.server);
  process.stdout.write(kubeconfig({ server, ca: pki.authority.certificate, user, credential }));
}
