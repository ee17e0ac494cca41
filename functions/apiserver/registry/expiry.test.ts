import { expect, test } from 'vitest';
import { testServer } from './test-server.js';

test('events go an hour after they were last seen', async () => {
  const { server, request, clock } = testServer();
  const path = '/api/v1/namespaces/default/events';
  const make = (name: string) =>
    request('POST', path, {
      metadata: { name },
      involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
      reason: 'R',
    });
  for (let index = 0; index < 90; index++) await make(`old-${index}`);
  await clock.advance(30 * 60_000);
  await make('young');
  const seen = { count: 2, lastTimestamp: new Date(clock.now()).toISOString() };
  await request('PATCH', `${path}/old-5`, seen, { 'content-type': 'application/merge-patch+json' });
  expect(await server.expireEvents()).toBe(0);
  await clock.advance(31 * 60_000);
  expect(await server.expireEvents()).toBe(89);
  const names = (await request('GET', path)).json.items.map(
    (item: { metadata: { name: string } }) => item.metadata.name,
  );
  expect(names).toEqual(['old-5', 'young']);
});
