import path from 'node:path';
import { systemClock } from '../lib/clock/system.js';
import { systemRandom } from '../lib/random.js';
import { BackupError, backupRecords, writeBackupFile, type BackupCounts } from '../lib/store/backup/index.js';
import { isStoreError } from '../lib/store/errors.js';
import { keptSecrets, VERSION, type ClusterFlags } from './backup-options.js';
import { dataFolder } from './data-folder.js';
import { systemCode, UserError } from './errors.js';
import { FolderSecretFiles } from './secret-files.js';

/** A cluster that changes faster than it can be read gets so many tries. */
const ATTEMPTS_MAX = 3;

type Records = AsyncGenerator<Buffer, BackupCounts, undefined>;

/** What is backed up: each call of `records` begins anew. */
interface Source {
  records(): Promise<Records> | Records;
  close(): Promise<void>;
}

/** `zeroplane backup`: writes a backup of a cluster, which may be in use. Throws a `UserError`. */
export async function backup(file: string, flags: ClusterFlags): Promise<void> {
  const source = await openSource(flags);
  try {
    const { result, sizeBytes } = await writeFile(file, source);
    const { objects, collections } = result;
    process.stdout.write(
      `${path.resolve(file)}: ${objects} objects of ${collections} kinds, ${Math.ceil(sizeBytes / 1_024)} KiB\n`,
    );
    process.stderr.write(
      'it holds the secrets of the cluster in the clear, readable by its owner alone: keep it as you keep a password\n',
    );
  } finally {
    await source.close();
  }
}

async function writeFile(file: string, source: Source): Promise<{ result: BackupCounts; sizeBytes: number }> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await writeBackupFile(file, await source.records());
    } catch (error) {
      const isOvertaken = error instanceof BackupError && error.code === 'overtaken';
      if (isOvertaken && attempt < ATTEMPTS_MAX) continue;
      if (error instanceof BackupError || isStoreError(error))
        throw new UserError(`no backup was made: ${error.message}`, { cause: error });
      if (systemCode(error).startsWith('E'))
        throw new UserError(`${file} could not be written (${(error as Error).message})`, { cause: error });
      throw error;
    }
  }
}

async function openSource(flags: ClusterFlags): Promise<Source> {
  if (flags.cluster !== undefined) return cloudSource(flags.cluster, flags.region);
  if (flags.kubeconfig !== undefined) {
    const { readServedBackup } = await import('./served-backup.js');
    const { kubeconfig } = flags;
    return { records: () => readServedBackup(kubeconfig), close: async () => undefined };
  }
  return folderSource(flags.data);
}

async function folderSource(data: string): Promise<Source> {
  const folder = dataFolder(data);
  const [{ EmbeddedSnapshot }, { DataFolderError }] = await Promise.all([
    import('../lib/store/embedded/embedded-backup.js'),
    import('../lib/store/embedded/errors.js'),
  ]);
  try {
    const snapshot = await EmbeddedSnapshot.open(folder.store);
    if (snapshot === undefined)
      throw new UserError(
        `there is no cluster in ${folder.root}. Name its folder with --data; a cluster on AWS with --cluster and --region; one that runs in memory by --kubeconfig`,
      );
    const description = { createdMs: systemClock.now(), store: 'embedded', version: VERSION };
    const secrets = keptSecrets(new FolderSecretFiles(folder.pki));
    return {
      records: () => backupRecords({ source: snapshot, description, secrets }),
      close: () => snapshot.close(),
    };
  } catch (error) {
    if (error instanceof DataFolderError) throw new UserError(error.message, { cause: error });
    throw error;
  }
}

async function cloudSource(cluster: string, region: string | undefined): Promise<Source> {
  const [{ clusterTables }, { openDynamoDbStore }] = await Promise.all([
    import('./cluster-tables.js'),
    import('../lib/store/dynamodb/open.js'),
  ]);
  const tables = await clusterTables({ cluster, region }, systemClock);
  const store = openDynamoDbStore({ ...tables, clock: systemClock, random: systemRandom(), cluster });
  return {
    records: () => {
      const description = { createdMs: systemClock.now(), store: 'dynamodb', version: VERSION };
      return backupRecords({ source: store, description });
    },
    close: () => store.close(),
  };
}
