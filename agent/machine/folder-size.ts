import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';

/** A folder with more entries is not counted to its end: it has the size of those that were. */
const ENTRIES_MAX = 500_000;

/** Of a block in `st_blocks`, whatever the file system has. */
const BLOCK_BYTES = 512;

/**
 * Bytes that a folder takes on disk, counted up to `enoughBytes` only. Links are not followed, what goes meanwhile counts nothing, and a folder
 * that is not there takes none.
 */
export async function folderBytes(root: string, enoughBytes = Infinity): Promise<number> {
  let bytes = 0;
  let entries = 0;
  const linked = new Set<number>();
  const pending = [root];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const listing = await opendir(folder).catch(() => undefined);
    if (listing === undefined) continue;
    for await (const entry of listing) {
      const file = path.join(folder, entry.name);
      const found = await lstat(file).catch(() => undefined);
      if (found === undefined) continue;
      if (found.isDirectory()) pending.push(file);
      else if (found.nlink > 1) {
        if (linked.has(found.ino)) continue;
        linked.add(found.ino);
      }
      bytes += found.blocks * BLOCK_BYTES;
      if (bytes > enoughBytes || ++entries >= ENTRIES_MAX) return bytes;
    }
  }
  return bytes;
}
