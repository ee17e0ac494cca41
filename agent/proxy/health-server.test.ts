import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { eventually } from '../../test/support/eventually.js';
import { HealthServers } from './health-server.js';

let isHealthy = true;
const warnings: string[] = [];
const servers = new HealthServers(
  (_, message) => warnings.push(message),
  () => isHealthy,
);
afterEach(() => servers.close());

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

test('says whether there are endpoints of a service here', async () => {
  const port = await freePort();
  const ask = async (): Promise<[number, unknown]> => {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    return [response.status, await response.json()];
  };
  const service = { namespace: 'ns', name: 'web' };
  servers.set('ns/web', { port, localEndpoints: 2 });
  await eventually(async () => {
    expect(await ask()).toEqual([200, { service, localEndpoints: 2, serviceProxyHealthy: true }]);
  });
  servers.set('ns/web', { port, localEndpoints: 0 });
  expect(await ask()).toEqual([503, { service, localEndpoints: 0, serviceProxyHealthy: true }]);
  servers.set('ns/web', { port, localEndpoints: 1 });
  isHealthy = false;
  expect((await ask())[0]).toBe(503);
  servers.set('ns/other', { port, localEndpoints: 1 });
  await eventually(async () => expect(warnings).toHaveLength(1));
  servers.set('ns/web', undefined);
  await eventually(async () => expect(ask()).rejects.toThrow());
});
