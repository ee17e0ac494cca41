import { open } from 'node:fs/promises';

/** What every LMDB file begins with: see MDB_page and MDB_meta in mdb.c. */
const HEADER_BYTES = 32;
const PAGE_FLAGS_OFFSET = 18;
const PAGE_IS_META = 0x08;
const MAGIC_OFFSET = 24;
const MAGIC = 0xbeefc0de;

/**
 * Throws when there is a file that LMDB did not write: the lmdb package would end the process. None, or one that is empty as
 * a process leaves it that is killed while it creates it, is fine.
 */
export async function checkDataFile(path: string): Promise<void> {
  const header = Buffer.alloc(HEADER_BYTES);
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  try {
    const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
    if (bytesRead === 0) return;
  } finally {
    await file.close();
  }
  const view = new DataView(header.buffer, header.byteOffset);
  const nativeEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  if (
    (view.getUint16(PAGE_FLAGS_OFFSET, nativeEndian) & PAGE_IS_META) === 0 ||
    view.getUint32(MAGIC_OFFSET, nativeEndian) !== MAGIC
  )
    throw new Error(`${path} is not a data file`);
}
