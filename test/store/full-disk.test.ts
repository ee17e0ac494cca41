import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../lib/clock/system.js';
import { openEmbeddedStore } from '../../lib/store/embedded/embedded-store.js';
import { bundleProgram, run } from './child.js';

const FILE_SIZE_MAX_KIB = 4_096;
const posix = process.platform !== 'win32';
if (!posix) console.log('skipped: full disk (needs a POSIX shell with ulimit)');

test.skipIf(!posix)(
  'a disk that is full refuses writes as a whole; what was written stays and can be read',
  async () => {
    const program = await bundleProgram('full-disk-writer');
    const folder = await mkdtemp(join(tmpdir(), 'zeroplane-full-'));
    const directory = join(folder, 'data');
    // Without the trap the process would be ended by SIGXFSZ instead of meeting an error.
    const script = `trap '' XFSZ; ulimit -f ${FILE_SIZE_MAX_KIB * 2}; exec "$@"`;
    const { code, stdout, stderr } = await run('sh', ['-c', script, 'sh', process.execPath, program.path, directory]);
    expect([code, stderr.includes('unhandled')]).toEqual([0, false]);
    const told = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as {
      written: number;
      refusals: unknown[];
      listed: number;
      revision: number;
    };
    expect(told.written).toBeGreaterThan(10);
    expect(told.listed).toBe(told.written);
    expect(told.revision).toBe(told.written + 1);
    const message = expect.stringMatching(/^the data folder could not be written: .*Check the free space of its disk$/);
    expect(told.refusals).toEqual([
      ['unavailable', message],
      ['unavailable', message],
    ]);

    const store = await openEmbeddedStore({ directory, clock: systemClock });
    expect((await store.list('core/pods')).items).toHaveLength(told.written);
    const [revision] = await store.write('core/pods', [
      { key: 'ns/next', expect: 'absent', body: () => Buffer.from('there is space again') },
    ]);
    expect(revision).toBe(told.written + 2);
    await store.close();
    await program.remove();
    await rm(folder, { recursive: true, force: true });
  },
);
