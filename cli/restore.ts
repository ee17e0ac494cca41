import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { formatTime } from '../lib/clock/clock.js';
import { systemClock } from '../lib/clock/system.js';
import { systemRandom } from '../lib/random.js';
import { BackupError, BackupFile, restoreBackup, type Restorer } from '../lib/store/backup/index.js';
import { isStoreError } from '../lib/store/errors.js';
import type { ClusterFlags } from './backup-options.js';
import { dataFolder } from './data-folder.js';
import { systemCode, UserError } from './errors.js';
import { madeByUsers } from './fresh-cluster.js';
import { FolderSecretFiles } from './secret-files.js';

/** A cluster that can be restored into: `isUsable` throws a `UserError` where it holds what somebody has made. */
interface Target {
  restorer: Restorer;
  isUsable(): Promise<void>;
  onSecret(name: string, text: string): void;
  /** What is still to be done, or known. */
  hints(hadSecrets: boolean): string[];
  close(): Promise<void>;
}

/** `zeroplane restore`: puts a backup into a cluster that nobody has used yet. Throws a `UserError`. */
export async function restore(file: string, flags: ClusterFlags): Promise<void> {
  const backup = await openBackup(file);
  try {
    const target = await openTarget(flags);
    try {
      await target.isUsable();
      let hadSecrets = false;
      const restored = await restoreBackup({
        file: backup,
        restorer: target.restorer,
        nowMs: systemClock.now(),
        onSecret(name, text) {
          hadSecrets = true;
          target.onSecret(name, text);
        },
      });
      process.stdout.write(
        `restored ${restored.objects} objects of ${restored.collections} kinds, as they were at ${formatTime(restored.createdMs)}\n`,
      );
      for (const hint of target.hints(hadSecrets)) process.stderr.write(`${hint}\n`);
    } finally {
      await target.close();
    }
  } catch (error) {
    throw told(error);
  } finally {
    await backup.close();
  }
}

/** Opens a backup and checks it. Throws a `UserError`. */
export async function openBackup(file: string): Promise<BackupFile> {
  try {
    return await BackupFile.open(path.resolve(file));
  } catch (error) {
    if (systemCode(error).startsWith('E'))
      throw new UserError(`the backup ${file} cannot be read (${(error as Error).message})`, { cause: error });
    throw told(error);
  }
}

function told(error: unknown): unknown {
  if (error instanceof BackupError) return new UserError(error.message, { cause: error });
  if (isStoreError(error))
    return new UserError(`the restore did not end: ${error.message}. Run it again: it starts over`, { cause: error });
  return error;
}

async function openTarget(flags: ClusterFlags): Promise<Target> {
  if (flags.kubeconfig !== undefined)
    throw new UserError(
      'a cluster that runs in memory is restored when it starts: zeroplane up --memory --restore FILE',
    );
  return flags.cluster === undefined ? folderTarget(flags.data) : cloudTarget(flags.cluster, flags.region);
}

async function folderTarget(data: string): Promise<Target> {
  const folder = dataFolder(data);
  const [{ openEmbeddedRestore }, { DataFolderError }] = await Promise.all([
    import('../lib/store/embedded/embedded-backup.js'),
    import('../lib/store/embedded/errors.js'),
  ]);
  try {
    mkdirSync(folder.root, { recursive: true, mode: 0o700 });
    const restorer = await openEmbeddedRestore(folder.store);
    const files = new FolderSecretFiles(folder.pki);
    return {
      restorer,
      async isUsable() {
        if (restorer.isUnfinished) return;
        const { present } = restorer;
        const found = await madeByUsers({
          collections: present.collections(),
          list: (...args) => present.list(...args),
        });
        if (found !== undefined)
          throw new UserError(
            `the cluster in ${folder.root} is not empty: it holds ${found}. Restore into another folder with --data, or remove this one first`,
          );
      },
      onSecret: (name, text) => files.write(name, text),
      hints: (hadSecrets) => [
        `start it with: zeroplane up --data ${data}, with the same --service-cidr, --pod-cidr and --cluster-dns as before`,
        ...(hadSecrets
          ? []
          : ['the backup came without keys: nodes and service account tokens of the former cluster need new ones']),
      ],
      close: () => restorer.close(),
    };
  } catch (error) {
    if (error instanceof DataFolderError) throw new UserError(error.message, { cause: error });
    if (systemCode(error).startsWith('E'))
      throw new UserError(`the data folder ${folder.root} cannot be used (${(error as Error).message})`, {
        cause: error,
      });
    throw error;
  }
}

async function cloudTarget(cluster: string, region: string | undefined): Promise<Target> {
  const [{ clusterTables }, { openDynamoDbStore }, { DynamoDbRestorer }] = await Promise.all([
    import('./cluster-tables.js'),
    import('../lib/store/dynamodb/open.js'),
    import('../lib/store/dynamodb/restorer.js'),
  ]);
  const tables = await clusterTables({ cluster, region }, systemClock);
  const options = { ...tables, clock: systemClock, random: systemRandom(), cluster };
  const restorer = new DynamoDbRestorer(options);
  const store = openDynamoDbStore(options);
  return {
    restorer,
    async isUsable() {
      if (await restorer.isUnfinished()) return;
      const found = await madeByUsers({
        collections: await store.collections(),
        list: (...args) => store.list(...args),
      });
      if (found !== undefined)
        throw new UserError(
          `the cluster ${cluster} is not empty: it holds ${found}. Deploy another with npx cdk deploy -c cluster=NAME and restore into that one`,
        );
    },
    onSecret: () => undefined,
    hints: () => [
      'service account tokens of the former cluster are known only if its signing keys were carried along, see README',
    ],
    close: () => store.close(),
  };
}
