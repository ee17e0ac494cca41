import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { V1ConfigMap, V1Deployment } from '../../lib/schema/generated/types.js';
import { editing } from './editor.js';
import { deployment, type Manifest } from './manifests.js';
import { toStream } from '../support/kubectl.js';
import { useCluster } from '../support/e2e.js';

const cluster = useCluster();

const configMap = (data: Record<string, string>, metadata: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'config', ...metadata },
  data,
});

describe.concurrent('kubectl apply', () => {
  it('creates, leaves unchanged and configures', async () => {
    const { kubectl } = await cluster.scene();
    const web = deployment('web', { replicas: 2 });
    expect(await kubectl.apply(web)).toBe('deployment.apps/web created\n');
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=20s']);
    const before = await kubectl.json<V1Deployment>(['get', 'deployment', 'web']);
    expect(await kubectl.apply(web)).toBe('deployment.apps/web unchanged\n');
    const after = await kubectl.json<V1Deployment>(['get', 'deployment', 'web']);
    expect(after.metadata?.resourceVersion).toBe(before.metadata?.resourceVersion);
    expect(await kubectl.apply(deployment('web', { replicas: 3 }))).toBe('deployment.apps/web configured\n');
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=20s']);
    expect(await kubectl.path(['get', 'deployment', 'web'], '{.status.readyReplicas}')).toBe('3');
  });

  it('removes fields that left the manifest and leaves those of others', async () => {
    const { kubectl } = await cluster.scene();
    await kubectl.apply(configMap({ a: '1', b: '2' }, { labels: { tier: 'front', team: 'blue' } }));
    await kubectl.ok(['patch', 'configmap', 'config', '--type=merge', '-p', '{"data":{"foreign":"3"}}']);
    await kubectl.ok(['annotate', 'configmap', 'config', 'mine=yes']);
    expect(await kubectl.apply(configMap({ a: '1' }, { labels: { tier: 'front' } }))).toBe(
      'configmap/config configured\n',
    );
    const { data, metadata } = await kubectl.json<V1ConfigMap>(['get', 'configmap', 'config']);
    expect(data).toEqual({ a: '1', foreign: '3' });
    expect(metadata?.labels).toEqual({ tier: 'front' });
    expect(metadata?.annotations?.['mine']).toBe('yes');
    expect(JSON.parse(metadata?.annotations?.['kubectl.kubernetes.io/last-applied-configuration'] ?? '')).toMatchObject(
      {
        data: { a: '1' },
      },
    );
  });

  it('merges lists by their keys: containers, environment, ports and volumes', async () => {
    const { kubectl } = await cluster.scene();
    const containers = (env: object[], ports: object[]): object[] => [
      { name: 'main', image: 'nginx', env, ports, volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }] },
    ];
    const volumes = [{ name: 'tmp', emptyDir: {} }];
    const port = (containerPort: number): object => ({ containerPort, name: `p${containerPort}` });
    await kubectl.apply(
      deployment('web', {
        podSpec: {
          containers: containers(
            [
              { name: 'A', value: '1' },
              { name: 'B', value: '2' },
            ],
            [port(80), port(81)],
          ),
          volumes,
        },
      }),
    );
    await kubectl.ok(['set', 'env', 'deployment/web', 'C=3']);
    const sidecar = { spec: { template: { spec: { containers: [{ name: 'sidecar', image: 'envoy' }] } } } };
    await kubectl.ok(['patch', 'deployment', 'web', '-p', JSON.stringify(sidecar)]);
    await kubectl.apply(
      deployment('web', { podSpec: { containers: containers([{ name: 'A', value: '10' }], [port(81)]), volumes } }),
    );
    const { spec } = await kubectl.json<V1Deployment>(['get', 'deployment', 'web']);
    const byName = new Map(spec?.template.spec?.containers.map((container) => [container.name, container]));
    expect([...byName.keys()].sort()).toEqual(['main', 'sidecar']);
    expect(byName.get('main')?.env).toEqual([
      { name: 'A', value: '10' },
      { name: 'C', value: '3' },
    ]);
    expect(byName.get('main')?.ports).toEqual([{ containerPort: 81, name: 'p81', protocol: 'TCP' }]);
  });

  it('takes over what was created otherwise, with a warning', async () => {
    const { kubectl } = await cluster.scene();
    await kubectl.ok(['create', 'configmap', 'config', '--from-literal=a=1']);
    const { stdout, stderr } = await kubectl.run(['apply', '-f', '-'], { input: toStream([configMap({ b: '2' })]) });
    expect(stdout).toBe('configmap/config configured\n');
    expect(stderr).toContain('missing the kubectl.kubernetes.io/last-applied-configuration annotation');
    expect(await kubectl.path(['get', 'configmap', 'config'], '{.data}')).toBe('{"a":"1","b":"2"}');
  });

  it('set-last-applied, view-last-applied and edit-last-applied', async () => {
    const { kubectl } = await cluster.scene();
    const file = path.join(cluster.folder(), 'config.json');
    writeFileSync(file, JSON.stringify(configMap({ a: '1' })));
    await kubectl.ok(['create', '-f', file]);
    expect(await kubectl.ok(['apply', 'set-last-applied', '-f', file, '--create-annotation'])).toBe(
      'configmap/config configured\n',
    );
    expect(await kubectl.ok(['apply', 'view-last-applied', 'configmap/config', '-o', 'json'])).toContain('"a": "1"');
    await kubectl.ok(['apply', 'edit-last-applied', 'configmap/config'], {
      env: editing(cluster.folder(), /a: "1"/, 'a: "2"'),
    });
    expect(await kubectl.ok(['apply', 'view-last-applied', 'configmap/config'])).toContain('a: "2"');
    expect(await kubectl.path(['get', 'configmap', 'config'], '{.data.a}')).toBe('1');
  });

  it('--prune removes what is no longer in the set', async () => {
    const { kubectl } = await cluster.scene();
    const labelled = (name: string): Manifest => configMap({}, { name, labels: { set: 'one' } });
    const prune = ['apply', '--prune', '-l', 'set=one', '--prune-allowlist=core/v1/ConfigMap', '-f', '-'];
    await kubectl.ok(prune, { input: toStream([labelled('keep'), labelled('drop')]) });
    expect(await kubectl.ok(prune, { input: toStream([labelled('keep')]) })).toContain('configmap/drop pruned\n');
    expect(await kubectl.ok(['get', 'configmaps', '-l', 'set=one', '-o', 'name'])).toBe('configmap/keep\n');
  });

  it('-k builds a kustomization', async () => {
    const { kubectl } = await cluster.scene();
    const folder = cluster.folder();
    writeFileSync(path.join(folder, 'web.json'), JSON.stringify(deployment('web')));
    writeFileSync(
      path.join(folder, 'kustomization.yaml'),
      'namePrefix: dev-\nresources: [web.json]\nconfigMapGenerator: [{name: settings, literals: [a=1]}]\n',
    );
    expect(await kubectl.ok(['apply', '-k', folder])).toMatch(
      /^configmap\/dev-settings-[a-z0-9]+ created\ndeployment\.apps\/dev-web created\n$/,
    );
  });

  it('a directory of manifests, a dry run of it, and its deletion', async () => {
    const { kubectl } = await cluster.scene();
    const folder = cluster.folder();
    for (const name of ['a', 'b'])
      writeFileSync(path.join(folder, `${name}.json`), JSON.stringify(configMap({}, { name })));
    expect(await kubectl.ok(['apply', '-f', folder, '--dry-run=server'])).toBe(
      'configmap/a created (server dry run)\nconfigmap/b created (server dry run)\n',
    );
    expect(await kubectl.ok(['get', 'configmaps', 'a', 'b', '--ignore-not-found', '-o', 'name'])).toBe('');
    await kubectl.ok(['apply', '-f', folder]);
    expect(await kubectl.ok(['get', '-f', folder, '-o', 'name'])).toBe('configmap/a\nconfigmap/b\n');
    expect(await kubectl.ok(['delete', '-f', folder])).toMatch(/^configmap "a" deleted.*\nconfigmap "b" deleted.*\n$/);
    expect(await kubectl.ok(['get', 'configmaps', 'a', 'b', '--ignore-not-found', '-o', 'name'])).toBe('');
  });

  it('invalid objects are refused in Kubernetes words', async () => {
    const { kubectl } = await cluster.scene();
    const bad = deployment('web', { labels: { app: 'other' } });
    const refusal = await kubectl.fails(['apply', '-f', '-'], { input: toStream([bad]) });
    expect(refusal).toContain(
      'The Deployment "web" is invalid: spec.template.metadata.labels: Invalid value: {"app":"other"}: `selector` does not match template `labels`',
    );
    await kubectl.apply(deployment('web'));
    const moved = await kubectl.fails(['apply', '-f', '-'], {
      input: toStream([deployment('web', { labels: { app: 'new' }, selector: { app: 'new' } })]),
    });
    expect(moved).toMatch(/spec\.selector: Invalid value: .*: field is immutable/);
  });

  it('row 162: diff shows what apply would do, and does nothing', async () => {
    const { kubectl } = await cluster.scene();
    await kubectl.apply(deployment('web', { image: 'nginx:1.26' }));
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=20s']);
    const input = toStream([deployment('web', { image: 'nginx:1.27' })]);
    const { code, stdout, stderr } = await kubectl.run(['diff', '-f', '-'], { input });
    expect(code, stderr).toBe(1);
    expect(stdout).toMatch(/^-\s+- image: nginx:1\.26$/m);
    expect(stdout).toMatch(/^\+\s+- image: nginx:1\.27$/m);
    expect(stdout.match(/^[-+](?![-+])/gm)).toHaveLength(4);
    expect(await kubectl.path(['get', 'deployment', 'web'], '{.spec.template.spec.containers[0].image}')).toBe(
      'nginx:1.26',
    );
    const same = await kubectl.run(['diff', '-f', '-'], {
      input: toStream([deployment('web', { image: 'nginx:1.26' })]),
    });
    expect(same).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe.concurrent('kubectl edit and replace', () => {
  it('edit with an editor', async () => {
    const { kubectl } = await cluster.scene();
    await kubectl.apply(deployment('web'));
    const edit = (from: RegExp, to: string) =>
      kubectl.run(['edit', 'deployment', 'web'], { env: editing(cluster.folder(), from, to) });
    expect((await edit(/replicas: 1/, 'replicas: 2')).stdout).toBe('deployment.apps/web edited\n');
    await kubectl.ok(['wait', '--for=jsonpath={.status.readyReplicas}=2', 'deployment/web', '--timeout=20s']);
    expect((await edit(/not there/, '')).stderr).toContain('Edit cancelled, no changes made');
    const refused = await edit(/replicas: 2/, 'replicas: -2');
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('deployments.apps "web" is invalid');
    expect(await kubectl.path(['get', 'deployment', 'web'], '{.spec.replicas}')).toBe('2');
    const status = await kubectl.run(['edit', 'deployment', 'web', '--subresource=status'], {
      env: editing(cluster.folder(), /^status:/m, 'status:\n  collisionCount: 7'),
    });
    expect(status.stdout, status.stderr).toBe('deployment.apps/web edited\n');
    expect(await kubectl.path(['get', 'deployment', 'web'], '{.status.collisionCount}')).toBe('7');
  });

  it('replace, with and without a matching resourceVersion, and --force', async () => {
    const { kubectl } = await cluster.scene();
    const file = path.join(cluster.folder(), 'config.json');
    await kubectl.ok(['create', 'configmap', 'config', '--from-literal=a=1']);
    writeFileSync(file, await kubectl.ok(['get', 'configmap', 'config', '-o', 'json']));
    const uid = await kubectl.path(['get', 'configmap', 'config'], '{.metadata.uid}');
    await kubectl.ok(['annotate', 'configmap', 'config', 'later=yes']);
    expect(await kubectl.fails(['replace', '-f', file])).toMatch(
      /Error from server \(Conflict\): error when replacing .*: Operation cannot be fulfilled on configmaps "config": the object has been modified; please apply your changes to the latest version and try again/,
    );
    writeFileSync(file, JSON.stringify(configMap({ b: '2' })));
    expect(await kubectl.ok(['replace', '-f', file])).toBe('configmap/config replaced\n');
    expect(await kubectl.path(['get', 'configmap', 'config'], '{.data} {.metadata.uid} {.metadata.annotations}')).toBe(
      `{"b":"2"} ${uid} `,
    );
    expect(await kubectl.ok(['replace', '--force', '-f', file])).toMatch(
      /configmap "config" deleted.*\nconfigmap\/config replaced\n$/,
    );
    expect(await kubectl.path(['get', 'configmap', 'config'], '{.metadata.uid}')).not.toBe(uid);
    expect(readFileSync(file, 'utf8')).not.toContain('resourceVersion');
  });
});
