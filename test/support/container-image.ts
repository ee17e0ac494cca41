import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export interface ImageOptions {
  /** `localhost/busybox:test` */
  name: string;
  entrypoint?: string[];
  cmd?: string[];
  user?: string;
  env?: string[];
  /** Further files, by path. */
  files?: Record<string, ImageFile>;
}

export interface ImageFile {
  content: string | Buffer;
  mode?: number;
}

const APPLETS = [
  'sh cat ls echo sleep httpd wget nslookup nc id env printf touch mkdir rm mv cp ln grep sed awk head tail cut tr wc',
  'ps kill stty tty true false test stat chmod chown date hostname ifconfig ip ping mount umount df du dd yes seq sort uniq tar',
  'find xargs tee sync readlink basename dirname whoami vi less more top free uname sysctl od md5sum base64 expr usleep',
].flatMap((line) => line.split(' '));

/** A docker-archive tar of one layer around Debian's static busybox: an image without a registry. */
export function busyboxImage(options: ImageOptions): Buffer {
  const entries: TarEntry[] = ['bin', 'etc', 'tmp', 'root', 'proc', 'sys', 'dev', 'www'].map((path) => ({
    path: `${path}/`,
    mode: path === 'tmp' ? 0o1777 : 0o755,
  }));
  entries.push({ path: 'bin/busybox', content: readFileSync('/bin/busybox'), mode: 0o755 });
  for (const applet of APPLETS) entries.push({ path: `bin/${applet}`, link: 'busybox' });
  entries.push(
    { path: 'etc/passwd', content: Buffer.from('root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/:/bin/sh\n') },
    { path: 'etc/group', content: Buffer.from('root:x:0:\nweb:x:1000:\n') },
  );
  for (const [path, { content, mode }] of Object.entries(options.files ?? {})) {
    entries.push({ path, content: Buffer.from(content), mode });
  }
  const layer = archive(entries);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: {
        Env: ['PATH=/bin', ...(options.env ?? [])],
        ...(options.entrypoint === undefined ? {} : { Entrypoint: options.entrypoint }),
        ...(options.cmd === undefined ? {} : { Cmd: options.cmd }),
        ...(options.user === undefined ? {} : { User: options.user }),
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    }),
  );
  const configName = `${sha256(config)}.json`;
  const manifest = [{ Config: configName, RepoTags: [options.name], Layers: ['layer.tar'] }];
  return archive([
    { path: configName, content: config },
    { path: 'layer.tar', content: layer },
    { path: 'manifest.json', content: Buffer.from(JSON.stringify(manifest)) },
  ]);
}

/** A program of this machine with the libraries that it needs, as files of an image. Throws when there is no such program. */
export function programFiles(file: string): Record<string, ImageFile> {
  const listed = spawnSync('ldd', [file], { encoding: 'utf8' });
  if (listed.status !== 0) throw new Error(`${file} cannot be put into an image: ${listed.stderr}${listed.stdout}`);
  const libraries = listed.stdout.split('\n').flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  return Object.fromEntries(
    [file, ...libraries].map((from) => [from.slice(1), { content: readFileSync(from), mode: 0o755 }]),
  );
}

export interface TarEntry {
  path: string;
  mode?: number;
  content?: Buffer;
  /** Target of a symbolic link. */
  link?: string;
}

const BLOCK = 512;

/** A tar archive, whatever its paths are. */
export function archive(entries: readonly TarEntry[]): Buffer {
  const blocks: Buffer[] = [];
  for (const entry of entries) {
    const content = entry.content ?? Buffer.alloc(0);
    blocks.push(header(entry, content.length), content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function header({ path, mode = 0o644, link }: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  };
  block.write(path, 0, 'latin1');
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.write('        ', 148, 'latin1');
  block.write(path.endsWith('/') ? '5' : link === undefined ? '0' : '2', 156, 'latin1');
  if (link !== undefined) block.write(link, 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  block.write(' ', 155, 'latin1');
  return block;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
