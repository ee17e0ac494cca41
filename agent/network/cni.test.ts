import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureCniConfiguration, removeCniConfiguration, type CniOptions } from './cni.js';

let folder: string;
let options: CniOptions;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'zeroplane-cni-'));
  const confDir = path.join(folder, 'net.d');
  options = { confDir, networkName: 'zeroplane-a-node-1', bridge: 'zp0', podCidrs: ['10.244.1.0/24', 'fd00:1::/64'] };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const written = (): unknown => JSON.parse(readFileSync(path.join(options.confDir, '10-zeroplane.conflist'), 'utf8'));

test('a bridge that is the gateway of both ranges, with host ports and without masquerading', async () => {
  expect(await ensureCniConfiguration({ ...options, mtu: 1400 })).toBe(true);
  expect(written()).toMatchObject({
    name: 'zeroplane-a-node-1',
    plugins: [
      {
        type: 'bridge',
        bridge: 'zp0',
        isGateway: true,
        hairpinMode: true,
        ipMasq: false,
        mtu: 1400,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: '10.244.1.0/24' }], [{ subnet: 'fd00:1::/64' }]],
          routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
  expect(readdirSync(options.confDir)).toEqual(['10-zeroplane.conflist']);
});

test('another range is written over ours, and removed with it', async () => {
  await ensureCniConfiguration(options);
  await ensureCniConfiguration({ ...options, podCidrs: ['10.244.7.0/24'] });
  expect(JSON.stringify(written())).toContain('10.244.7.0/24');
  await removeCniConfiguration(options.confDir);
  await removeCniConfiguration(options.confDir);
  expect(readdirSync(options.confDir)).toEqual([]);
});

test("a configuration of somebody else's stays, and is enough", async () => {
  await ensureCniConfiguration(options);
  await removeCniConfiguration(options.confDir);
  writeFileSync(path.join(options.confDir, '05-calico.conflist'), '{}');
  expect(await ensureCniConfiguration(options)).toBe(false);
  await removeCniConfiguration(options.confDir);
  expect(readdirSync(options.confDir)).toEqual(['05-calico.conflist']);
});

test('what cannot be is refused with a reason', async () => {
  await expect(ensureCniConfiguration({ ...options, bridge: 'a-name-of-16-char' })).rejects.toThrow(
    /no name for a bridge/,
  );
  await expect(ensureCniConfiguration({ ...options, podCidrs: [] })).rejects.toThrow(/needs a pod range/);
  writeFileSync(path.join(folder, 'file'), '');
  const confDir = path.join(folder, 'file', 'net.d');
  await expect(ensureCniConfiguration({ ...options, confDir })).rejects.toThrow(/cannot be written.*ENOTDIR/);
});
