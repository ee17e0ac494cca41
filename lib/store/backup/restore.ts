import type { StoredObject } from '../store.js';
import type { BackupFile } from './backup-file.js';
import { BackupError } from './errors.js';
import type { Restorer } from './ports.js';
import type { BackupDescription } from './records.js';
import type { BackupCounts } from './read-source.js';

/** Objects are handed on in batches of so much. */
const BATCH_OBJECTS_MAX = 256;
const BATCH_BYTES_MAX = 2 * 1_024 * 1_024;

/** No store makes more writes of one collection than so many in a millisecond, as long as it lives. */
const WRITES_PER_MS_MAX = 100;
/** The clocks of the machines of backup and restore differ by less. */
const CLOCK_MARGIN_MS = 60 * 60 * 1_000;

export interface RestoreOptions {
  file: BackupFile;
  restorer: Restorer;
  nowMs: number;
  /** Given the secrets before the restore ends. */
  onSecret?: (name: string, text: string) => void;
}

/**
 * The revision that a collection goes on from: above everything that anybody can have seen since the backup was made, also in a cluster that
 * was restored from the same backup earlier. So a client that comes with an old position is told to list again (410), and no
 * revision ever stands for two states.
 */
export function revisionAfterRestore(revision: number, times: { createdMs: number; nowMs: number }): number {
  const passedMs = Math.max(0, times.nowMs - times.createdMs) + CLOCK_MARGIN_MS;
  return revision + Math.ceil(passedMs) * WRITES_PER_MS_MAX;
}

/** Puts what is in the file into a store. The file has been checked, so that nothing is written of one that is damaged. */
export async function restoreBackup(options: RestoreOptions): Promise<BackupDescription & BackupCounts> {
  const { file, restorer, nowMs, onSecret } = options;
  let description: BackupDescription | undefined;
  let collection: string | undefined;
  let counted: BackupCounts | undefined;
  const counts = { collections: 0, objects: 0 };
  let batch: StoredObject[] = [];
  let batchBytes = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0 && collection !== undefined) await restorer.put(collection, batch);
    batch = [];
    batchBytes = 0;
  };
  await restorer.begin();
  for await (const record of file.records()) {
    switch (record.kind) {
      case 'description':
        description = { createdMs: record.createdMs, store: record.store, version: record.version };
        break;
      case 'secret':
        onSecret?.(record.name, record.text);
        break;
      case 'collection':
        await flush();
        if (description === undefined) throw new BackupError('damaged', 'the backup does not say when it was made');
        collection = record.name;
        counts.collections++;
        await restorer.collection(
          collection,
          revisionAfterRestore(record.revision, { createdMs: description.createdMs, nowMs }),
        );
        break;
      case 'object':
        counts.objects++;
        batch.push(record.object);
        batchBytes += record.object.body.byteLength;
        if (batch.length >= BATCH_OBJECTS_MAX || batchBytes >= BATCH_BYTES_MAX) await flush();
        break;
      case 'end':
        counted = { collections: record.collections, objects: record.objects };
        break;
    }
  }
  await flush();
  if (description === undefined || counted?.collections !== counts.collections || counted.objects !== counts.objects)
    throw new BackupError('damaged', 'the backup does not hold what its end says');
  await restorer.finish();
  return { ...description, ...counts };
}
