import { constants } from 'node:fs';
import { access } from 'node:fs/promises';

/** What a worker cannot be without; undefined when all is there. Says what is missing and how to get it. */
export async function missingRights(): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return `real containers need Linux, and this is ${process.platform}. Run in a Linux machine, or use simulated nodes: --runtime simulated`;
  }
  if (process.getuid?.() !== 0) {
    return 'real containers need root, for mounts, cgroups and nftables: run it with sudo. Or use simulated nodes: --runtime simulated';
  }
  const isWritable = await access('/sys/fs/cgroup', constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!isWritable) {
    return '/sys/fs/cgroup cannot be written, so pods cannot be given their share of the machine: mount it read-write (in a container: run it privileged)';
  }
  return undefined;
}
