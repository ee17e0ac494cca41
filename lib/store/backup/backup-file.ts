import { createHash, type Hash } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { BackupError } from './errors.js';
import { decodeRecords, type BackupRecord } from './records.js';

/**
 * A backup in a file: a word that says what it is, the version of the format, the records compressed with gzip, and the SHA-256 of
 * everything before it. Later versions keep the word and the sum where they are.
 */
const MAGIC = Buffer.from('ZEROPLANEBACKUP\n');
const FORMAT_VERSION = 1;
const HEADER_BYTES = MAGIC.byteLength + 2;
const SUM_BYTES = 32;

/**
 * Writes the records to the file in one step, readable by its owner alone: until all of them are on disk, there is what was there before.
 * Returns what `records` returns.
 */
export async function writeBackupFile<T>(
  file: string,
  records: AsyncGenerator<Buffer, T, undefined>,
): Promise<{ result: T; sizeBytes: number }> {
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, 'wx', 0o600);
  try {
    const kept: { result?: { value: T } } = {};
    const hash = createHash('sha256');
    const header = Buffer.concat([MAGIC, Buffer.of(FORMAT_VERSION >> 8, FORMAT_VERSION & 0xff)]);
    let sizeBytes = 0;
    const append = async (bytes: Buffer): Promise<void> => {
      hash.update(bytes);
      for (let at = 0; at < bytes.byteLength;) at += (await handle.write(bytes, at)).bytesWritten;
      sizeBytes += bytes.byteLength;
    };
    await append(header);
    const source = async function* (): AsyncGenerator<Buffer> {
      const value = yield* records;
      kept.result = { value };
    };
    await pipeline(
      Readable.from(source(), { objectMode: false }),
      createGzip(),
      async (compressed: AsyncIterable<Buffer>) => {
        for await (const chunk of compressed) await append(chunk);
      },
    );
    const sum = hash.copy().digest();
    await append(sum);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
    await syncFolder(dirname(file));
    if (kept.result === undefined) throw new Error('the records ended without a result');
    return { result: kept.result.value, sizeBytes };
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}

/** A backup that has been found to be whole. */
export class BackupFile {
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #sum: Buffer;

  private constructor(path: string, handle: FileHandle, sizeBytes: number, sum: Buffer) {
    this.#path = path;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
    this.#sum = sum;
  }

  /** Reads the file once to its end. Throws BackupError `not-a-backup`, `damaged` or `newer`, or why it cannot be read. */
  static async open(path: string): Promise<BackupFile> {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const header = Buffer.alloc(HEADER_BYTES);
      const { bytesRead } = await handle.read(header, 0, HEADER_BYTES, 0);
      const beginning = header.subarray(0, Math.min(bytesRead, MAGIC.byteLength));
      if (beginning.byteLength === 0 || !beginning.equals(MAGIC.subarray(0, beginning.byteLength)))
        throw new BackupError(
          'not-a-backup',
          `${path} is not a backup that zeroplane has made, or its beginning was altered`,
        );
      if (size < HEADER_BYTES + SUM_BYTES) throw damagedError(path);
      const sum = Buffer.alloc(SUM_BYTES);
      await handle.read(sum, 0, SUM_BYTES, size - SUM_BYTES);
      const hash = createHash('sha256');
      for await (const chunk of readAll(handle, { from: 0, to: size - SUM_BYTES })) hash.update(chunk);
      if (!hash.digest().equals(sum)) throw damagedError(path);
      const version = header.readUInt16BE(MAGIC.byteLength);
      if (version > FORMAT_VERSION)
        throw new BackupError(
          'newer',
          `${path} was written by a newer zeroplane (format ${version}, this one reads ${FORMAT_VERSION}): use that version`,
        );
      return new BackupFile(path, handle, size, sum);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** What is in it. Throws `damaged`, at the end at the latest, when the file is no longer what it was when it was opened. */
  async *records(): AsyncGenerator<BackupRecord, void, undefined> {
    const hash = createHash('sha256');
    const header = Buffer.alloc(HEADER_BYTES);
    await this.#handle.read(header, 0, HEADER_BYTES, 0);
    hash.update(header);
    const gunzip = createGunzip();
    const body = readAll(this.#handle, { from: HEADER_BYTES, to: this.sizeBytes - SUM_BYTES });
    const reading = pipeline(Readable.from(body, { objectMode: false }), hashing(hash), gunzip);
    // What fails there is thrown by the iteration too.
    reading.catch(() => undefined);
    try {
      yield* decodeRecords(gunzip);
      await reading;
    } catch (error) {
      throw damagedError(this.#path, error);
    }
    if (!hash.digest().equals(this.#sum)) throw damagedError(this.#path);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

const READ_BYTES = 256 * 1_024;

async function* readAll(handle: FileHandle, range: { from: number; to: number }): AsyncGenerator<Buffer> {
  for (let at = range.from; at < range.to;) {
    const chunk = Buffer.allocUnsafe(Math.min(READ_BYTES, range.to - at));
    const { bytesRead } = await handle.read(chunk, 0, chunk.byteLength, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

function hashing(hash: Hash): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
}

/** So that the name is on disk too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch {
    // Some file systems cannot.
  } finally {
    await handle.close();
  }
}

function damagedError(path: string, cause?: unknown): BackupError {
  return new BackupError(
    'damaged',
    `${path} is damaged: it was cut short or altered after it was made. Take another copy, or an earlier backup`,
    { cause },
  );
}
