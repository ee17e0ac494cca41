import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A file of a volume. `mode` is its permission bits. */
export interface PayloadFile {
  content: Buffer;
  mode: number;
}

/** By path relative to the volume. */
export type Payload = ReadonlyMap<string, PayloadFile>;

const DATA = '..data';
const DATA_NEXT = '..data_tmp';

/**
 * Writes files so that readers see all of them change at once, as Kubernetes does: they live in a folder of their own below the volume, a
 * link `..data` names that folder, and the visible names are links through it. True when anything changed.
 */
export async function writeAtomically(
  folder: string,
  payload: Payload,
  owner: { group: number | undefined },
): Promise<boolean> {
  await mkdir(folder, { recursive: true });
  const before = await readlink(path.join(folder, DATA)).catch(() => undefined);
  const version = `..${digest(payload, owner)}`;
  if (before === version) return false;
  const target = path.join(folder, version);
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { mode: 0o755 });
  await chmod(target, 0o755);
  for (const [name, file] of payload) await writePayload(target, name, file, owner.group);
  if (owner.group !== undefined) await own(folder, target, owner.group);
  await rm(path.join(folder, DATA_NEXT), { force: true });
  await symlink(version, path.join(folder, DATA_NEXT));
  await rename(path.join(folder, DATA_NEXT), path.join(folder, DATA));
  await renewLinks(folder, payload);
  if (before !== undefined) await rm(path.join(folder, before), { recursive: true, force: true });
  return true;
}

/** The same files always have the same folder, so that nothing is written anew after a restart. */
function digest(payload: Payload, owner: { group: number | undefined }): string {
  const hash = createHash('sha256').update(String(owner.group));
  for (const [name, { content, mode }] of [...payload].sort(([one], [other]) => (one < other ? -1 : 1))) {
    hash.update(`\0${name}\0${mode}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, 32);
}

async function writePayload(
  target: string,
  name: string,
  { content, mode }: PayloadFile,
  group: number | undefined,
): Promise<void> {
  if (path.isAbsolute(name) || name.split('/').includes('..')) throw new Error(`invalid path: ${name}`);
  const file = path.join(target, name);
  const parent = path.dirname(file);
  if (parent !== target) await mkdir(parent, { recursive: true, mode: 0o755 });
  await writeFile(file, content, { mode: 0o600 });
  // Whoever is in the volume's group may read it.
  await chmod(file, group === undefined ? mode : mode | 0o440);
  if (group !== undefined) await chown(file, 0, group);
}

async function own(folder: string, target: string, group: number): Promise<void> {
  for (const one of [folder, target]) {
    await chown(one, 0, group);
    const { mode } = await stat(one);
    await chmod(one, (mode & 0o7777) | 0o2050);
  }
}

/** The visible names: a link for each first part of a path, and none that is left from before. */
async function renewLinks(folder: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((name) => name.split('/')[0] ?? ''));
  for (const entry of await readdir(folder)) {
    if (entry.startsWith('..') || wanted.has(entry)) continue;
    await rm(path.join(folder, entry), { recursive: true, force: true });
  }
  for (const name of wanted) {
    await symlink(path.join(DATA, name), path.join(folder, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}
