export { BackupFile, writeBackupFile } from './backup-file.js';
export { BackupError } from './errors.js';
export type { BackupSource, Restorer } from './ports.js';
export { backupRecords, type BackupCounts } from './read-source.js';
export { restoreBackup, revisionAfterRestore } from './restore.js';
