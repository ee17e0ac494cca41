import { expect, it } from 'vitest';
import { parseImage } from './image-reference.js';
import { registryCredentials } from './registry-credentials.js';

const secret = (auths: Record<string, object>) => ({
  data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
});

const users = (image: string, auths: Record<string, object>): string[] =>
  registryCredentials(image, [secret(auths)]).map(({ username }) => username);

const login = (username: string) => ({ username, password: 'secret' });

it('images come from where Docker says', () => {
  expect(parseImage('nginx')).toEqual({ registry: 'docker.io', repository: 'library/nginx' });
  expect(parseImage('team/app:1.2')).toEqual({ registry: 'docker.io', repository: 'team/app' });
  expect(parseImage('localhost:5000/app')).toEqual({ registry: 'localhost:5000', repository: 'app' });
  expect(parseImage(`quay.io/a/b@sha256:${'0'.repeat(64)}`)).toEqual({ registry: 'quay.io', repository: 'a/b' });
  expect(parseImage('Upper/case')).toEqual({ registry: 'Upper', repository: 'case' });
  for (const wrong of ['', 'Upper', 'team/App', 'a b', 'a:b:c', '/x', 'x/', '-x'])
    expect(parseImage(wrong)).toBeUndefined();
});

it('credentials are for their registry and path, the most exact first, and for no other', () => {
  const auths = { 'https://quay.io/v2/': login('all'), 'quay.io/team': login('team'), 'ghcr.io': login('other') };
  expect(users('quay.io/team/app', auths)).toEqual(['team', 'all']);
  expect(users('quay.io/teammate/app', auths)).toEqual(['all']);
  expect(users('evil.example/quay.io/team', auths)).toEqual([]);
  expect(users('nginx', { 'https://index.docker.io/v1/': login('hub') })).toEqual(['hub']);
  expect(users('eu.registry.example.com/a', { '*.registry.example.com': login('glob') })).toEqual(['glob']);
  expect(users('registry.example.com/a', { '*.registry.example.com': login('glob') })).toEqual([]);
});

it('what is encoded in one word is taken apart, and what is no configuration is passed over', () => {
  const auth = Buffer.from('me:pass:word').toString('base64');
  expect(registryCredentials('quay.io/a', [secret({ 'quay.io': { auth } })])).toEqual([
    { username: 'me', password: 'pass:word' },
  ]);
  expect(registryCredentials('quay.io/a', [{ data: { '.dockerconfigjson': 'bm90IGpzb24=' } }])).toEqual([]);
});
