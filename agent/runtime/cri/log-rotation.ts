import { rename, rm, stat } from 'node:fs/promises';
import { isCriError, type CriConnection } from './connection.js';
import { LOG_FILES_MAX, LOG_MAX_BYTES } from './limits.js';
import { logFiles } from './log-file.js';

/** Puts a log that has grown too large aside, lets the runtime begin a new one, and removes the oldest. */
export async function rotateLog(
  connection: CriConnection,
  container: { id: string; file: string },
  nowMs: number,
): Promise<void> {
  const { id, file } = container;
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (size < LOG_MAX_BYTES) return;
  const aside = `${file}.${new Date(nowMs).toISOString().replace(/[-:T]/g, '').slice(0, 14)}`;
  await rename(file, aside);
  try {
    await connection.runtime('ReopenContainerLog', { container_id: id });
  } catch (error) {
    // It goes on writing to what it has open: that keeps its name, or it would be lost to readers.
    if (!isCriError(error, 'NotFound')) await rename(aside, file);
    throw error;
  }
  const files = await logFiles(file);
  for (const old of files.slice(0, Math.max(0, files.length - LOG_FILES_MAX))) await rm(old, { force: true });
}
