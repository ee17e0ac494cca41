import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Where credentials live between runs; in memory, or a folder that only its owner can read. */
export interface SecretFiles {
  read(name: string): string | undefined;
  write(name: string, text: string): void;
}

export class MemorySecretFiles implements SecretFiles {
  readonly #files = new Map<string, string>();

  read(name: string): string | undefined {
    return this.#files.get(name);
  }

  write(name: string, text: string): void {
    this.#files.set(name, text);
  }
}

export class FolderSecretFiles implements SecretFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  read(name: string): string | undefined {
    const file = path.join(this.#folder, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  }

  write(name: string, text: string): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeSecret(path.join(this.#folder, name), text);
  }
}

/** Replaces a file in one step, readable by its owner alone. */
export function writeSecret(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    // The mode of writeFileSync is subject to the umask and to a file left over from a crash.
    chmodSync(temporary, 0o600);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
