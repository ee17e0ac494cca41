import { describe, expect, it } from 'vitest';
import { configMaps, pods, serviceAccounts } from '../../lib/client/resources.js';
import type { V1Pod } from '../../lib/schema/generated/types.js';
import { nameOf, Recording } from './watching.js';
import { eventually } from '../support/eventually.js';
import { useCluster } from '../support/e2e.js';

const cluster = useCluster({ nodes: 1 });

const hasToken = ({ spec }: V1Pod): boolean =>
  spec?.containers[0]?.volumeMounts?.some(
    ({ mountPath }) => mountPath === '/var/run/secrets/kubernetes.io/serviceaccount',
  ) ?? false;

describe.concurrent('service accounts', () => {
  it('row 150: issuer metadata and keys are served, and tokens check out against them', async () => {
    const { kubectl, namespace } = await cluster.scene('accounts');
    const issuer = JSON.parse(await kubectl.ok(['get', '--raw', '/.well-known/openid-configuration'])) as {
      issuer: string;
      jwks_uri: string;
    };
    const keys = JSON.parse(await kubectl.ok(['get', '--raw', '/openid/v1/jwks'])) as object;
    const token = (await kubectl.ok(['create', 'token', 'default', '--audience=oidc'])).trim();
    const { createLocalJWKSet, jwtVerify } = await import('jose');
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys as Parameters<typeof createLocalJWKSet>[0]), {
      issuer: issuer.issuer,
      audience: 'oidc',
    });
    expect(payload).toMatchObject({
      sub: `system:serviceaccount:${namespace}:default`,
      'kubernetes.io': { namespace, serviceaccount: { name: 'default' } },
    });
    expect(issuer.jwks_uri).toContain('/openid/v1/jwks');
  });

  it('row 151: the token volume comes unless the pod, or else its account, opts out', async () => {
    const { client, kubectl, namespace } = await cluster.scene('accounts');
    await kubectl.ok(['create', 'serviceaccount', 'mount']);
    await client.create(serviceAccounts, {
      metadata: { namespace, name: 'nomount' },
      automountServiceAccountToken: false,
    });
    for (const serviceAccountName of ['default', 'mount', 'nomount']) {
      for (const automountServiceAccountToken of [undefined, true, false]) {
        const spec = {
          serviceAccountName,
          ...(automountServiceAccountToken === undefined ? {} : { automountServiceAccountToken }),
          containers: [{ name: 'main', image: 'app' }],
        };
        const name = `pod-${serviceAccountName}-${automountServiceAccountToken}`;
        const made = await client.create(pods, { metadata: { namespace, name }, spec });
        expect(hasToken(made), name).toBe(automountServiceAccountToken ?? serviceAccountName !== 'nomount');
      }
    }
    const missing = {
      metadata: { namespace, name: 'missing' },
      spec: { serviceAccountName: 'nobody', containers: [{ name: 'main', image: 'app' }] },
    };
    await expect(client.create(pods, missing)).rejects.toThrow('error looking up service account');
  });

  it('row 152: every namespace holds kube-root-ca.crt, which comes back and is repaired', async () => {
    const { client, namespace } = await cluster.scene('accounts');
    const ref = { namespace, name: 'kube-root-ca.crt' };
    const { data } = await eventually(() => client.get(configMaps, ref));
    expect(data?.['ca.crt']).toContain('BEGIN CERTIFICATE');
    await client.delete(configMaps, ref);
    await eventually(async () => expect((await client.get(configMaps, ref)).data).toEqual(data));
    await client.patch(configMaps, ref, 'merge', { data: { 'ca.crt': '', other: 'x' } });
    await eventually(async () => expect((await client.get(configMaps, ref)).data).toEqual(data));
  });

  it('rows 155 and 156: created, watched, patched, updated, listed and deleted by collection', async () => {
    const { client, namespace } = await cluster.scene('accounts');
    const labels = { set: namespace };
    const recording = new Recording(client, serviceAccounts, { namespace, labelSelector: `set=${namespace}` });
    const made = await client.create(serviceAccounts, { metadata: { namespace, name: 'robot', labels } });
    await recording.until('ADDED');
    await client.patch(serviceAccounts, { namespace, name: 'robot' }, 'strategic', {
      automountServiceAccountToken: false,
    });
    await recording.until('MODIFIED', ({ automountServiceAccountToken }) => automountServiceAccountToken === false);
    const present = await client.get(serviceAccounts, { namespace, name: 'robot' });
    await client.update(serviceAccounts, { ...present, automountServiceAccountToken: true });
    await recording.until('MODIFIED', ({ automountServiceAccountToken }) => automountServiceAccountToken === true);
    expect((await client.list(serviceAccounts, { labelSelector: `set=${namespace}` })).items.map(nameOf)).toEqual([
      nameOf(made),
    ]);
    await client.deleteCollection(serviceAccounts, { namespace, labelSelector: `set=${namespace}` });
    await recording.until('DELETED');
    await client.delete(serviceAccounts, { namespace, name: 'default' });
    await eventually(async () =>
      expect(nameOf(await client.get(serviceAccounts, { namespace, name: 'default' }))).toBe('default'),
    );
    recording.stop();
  });

  it('row 157: both kinds of review give the answer of a real call', async () => {
    const { kubectl, namespace } = await cluster.scene('accounts');
    const user = `system:serviceaccount:${namespace}:default`;
    const resourceAttributes = { namespace, verb: 'get', resource: 'pods' };
    expect(await kubectl.fails(['get', 'pod', 'none', `--as=${user}`])).toContain('Forbidden');
    for (const kind of ['SubjectAccessReview', 'LocalSubjectAccessReview']) {
      for (const [who, allowed] of [
        [{ user }, false],
        [{ user: 'root', groups: ['system:masters'] }, true],
      ] as const) {
        const review = {
          apiVersion: 'authorization.k8s.io/v1',
          kind,
          ...(kind.startsWith('Local') ? { metadata: { namespace } } : {}),
          spec: { ...who, resourceAttributes },
        };
        const answer = JSON.parse(
          await kubectl.ok(['create', '-f', '-', '-o', 'json'], { input: JSON.stringify(review) }),
        ) as object;
        expect(answer).toMatchObject({ status: { allowed } });
      }
    }
  });
});
