import { readdirSync, readFileSync, statSync, watch } from 'node:fs';
import path from 'node:path';

/** A larger file is no manifest (the kubelet's maxConfigLength). */
const MANIFEST_BYTES_MAX = 10 * 1024 * 1024;

/** One file of the folder: what is in it, or why it could not be read. */
export type ManifestFile = { file: string } & ({ bytes: Uint8Array } | { problem: string });

/** Where static pods come from. */
export interface ManifestSource {
  /** All files, in the order of their names. None when there is no such folder. Throws when it cannot be read. */
  read(): ManifestFile[];
  /** Calls back when something may have changed; what it misses is found by reading again. Returns a function that ends this. */
  watch(onChange: () => void): () => void;
}

/**
 * The files of a folder but those whose names begin with a dot, or one file. Read in one go, without awaiting anything: there are few and
 * they are small.
 */
export function manifestFolder(location: string): ManifestSource {
  return {
    read() {
      const found = statSync(location, { throwIfNoEntry: false });
      if (found === undefined) return [];
      if (!found.isDirectory()) return [readManifest(location)];
      const names = readdirSync(location).filter((name) => !name.startsWith('.'));
      return names
        .sort()
        .map((name) => path.join(location, name))
        .filter((file) => statSync(file, { throwIfNoEntry: false })?.isDirectory() !== true)
        .map(readManifest);
    },
    watch(onChange) {
      try {
        const watcher = watch(location, onChange);
        // A folder that has gone is not watched any more, and read every time.
        watcher.on('error', () => watcher.close());
        return () => watcher.close();
      } catch {
        return () => undefined;
      }
    },
  };
}

function readManifest(file: string): ManifestFile {
  try {
    const found = statSync(file);
    // Others block, or never end.
    if (!found.isFile()) return { file, problem: 'it is not a regular file' };
    if (found.size > MANIFEST_BYTES_MAX) return { file, problem: `it is larger than ${MANIFEST_BYTES_MAX} bytes` };
    return { file, bytes: readFileSync(file) };
  } catch (error) {
    return { file, problem: (error as Error).message };
  }
}
