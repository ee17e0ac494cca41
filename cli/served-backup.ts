import https from 'node:https';
import { systemClock } from '../lib/clock/system.js';
import type { ApiRequest, ApiResponse } from '../functions/apiserver/registry/request.js';
import { backupRecords, BackupError, type BackupCounts, type BackupSource } from '../lib/store/backup/index.js';
import { decodeRecords, encodeRecord } from '../lib/store/backup/records.js';
import { BACKUP_PATH, keptSecrets, VERSION } from './backup-options.js';
import { UserError } from './errors.js';
import { readKubeconfig } from './read-kubeconfig.js';
import type { SecretFiles } from './secret-files.js';

const ADMINISTRATORS = 'system:masters';

/** Answers with the records of a backup, to administrators with a client certificate alone: it holds every secret. */
export function serveBackup(request: ApiRequest, cluster: { source: BackupSource; files: SecretFiles }): ApiResponse {
  if (request.peer?.certificate?.organizations.includes(ADMINISTRATORS) !== true)
    return text(403, 'only an administrator with a client certificate may take a backup\n');
  if (request.method !== 'GET') return text(405, 'a backup is taken with GET\n');
  const description = { createdMs: systemClock.now(), store: 'memory', version: VERSION };
  const secrets = keptSecrets(cluster.files);
  return {
    status: 200,
    headers: { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' },
    body: backupRecords({ source: cluster.source, description, secrets }),
  };
}

function text(status: number, message: string): ApiResponse {
  return { status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(message) };
}

/** The records of a backup of the cluster that a kubeconfig names. Throws a `UserError`. */
export async function* readServedBackup(kubeconfig: string): AsyncGenerator<Buffer, BackupCounts, undefined> {
  const { server, ca, certificate } = readKubeconfig(kubeconfig);
  if (certificate === undefined)
    throw new UserError(`the kubeconfig ${kubeconfig} has no client certificate, which is what a backup needs`);
  const url = new URL(BACKUP_PATH, server);
  const answer = new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const options = { ...certificate, ...(ca === undefined ? {} : { ca }) };
    https.get(url, options, resolve).on('error', reject);
  });
  let response;
  try {
    response = await answer;
  } catch (error) {
    throw new UserError(`the cluster at ${url.host} does not answer (${(error as Error).message}). Is it running?`, {
      cause: error,
    });
  }
  if (response.statusCode !== 200) {
    response.resume();
    throw new UserError(
      response.statusCode === 404
        ? `the cluster at ${url.host} does not run in memory. Name its data folder with --data, or on AWS its --cluster and --region`
        : `the cluster at ${url.host} gives no backup (status ${response.statusCode}): use the kubeconfig of an administrator`,
    );
  }
  try {
    for await (const record of decodeRecords(response)) {
      yield encodeRecord(record);
      if (record.kind === 'end') return { collections: record.collections, objects: record.objects };
    }
  } catch (cause) {
    throw new BackupError('overtaken', 'the cluster ended its answer early', { cause });
  }
  throw new BackupError('overtaken', 'the cluster ended its answer early');
}
