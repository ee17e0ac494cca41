import { expect, it } from 'vitest';
import { Client } from '../../lib/client/client.js';
import { nodes } from '../../lib/client/resources.js';
import type { Transport } from '../../lib/client/transport.js';
import { startCluster } from '../../test/support/cluster.js';
import { NodeAgent } from './node-agent.js';

it('writes its status again when it is asked to while it is writing it', async () => {
  const cluster = await startCluster();
  const admin = cluster.controlPlane.transport({ username: 'admin', groups: ['system:masters'] });
  let statusWrites = 0;
  const transport: Transport = {
    async send(request) {
      const response = await admin.send(request);
      if (request.method === 'PATCH' && request.path.startsWith('/api/v1/nodes/one/status')) {
        // The cluster takes the node for lost after the write and before the answer.
        if (++statusWrites === 1) agent.refreshStatus();
      }
      return response;
    },
  };
  const agent = new NodeAgent({
    client: new Client(transport, 'kubelet'),
    clock: cluster.clock,
    heartbeatMs: 10_000,
    description: {
      name: 'one',
      ip: '198.18.0.1',
      capacity: { cpu: '1' },
      architecture: 'amd64',
      operatingSystem: 'linux',
      osImage: 'none',
      kernelVersion: 'none',
      kubeletVersion: 'v1.36.0',
      containerRuntimeVersion: 'simulated://0.1.0',
      machineId: 'one',
    },
    log: () => undefined,
  });
  await agent.start();
  expect(await cluster.client.find(nodes, { name: 'one' })).toBeDefined();
  await cluster.advance(11_000);
  expect(statusWrites).toBe(2);
  await cluster.advance(60_000);
  expect(statusWrites).toBe(2);
  await agent.stop();
  await cluster.close();
});
