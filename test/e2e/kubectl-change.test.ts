import { describe, expect, it } from 'vitest';
import type { V1Deployment } from '../../lib/schema/generated/types.js';
import { deployment, pod, replicationController, service } from './manifests.js';
import { eventually } from '../support/eventually.js';
import { useCluster } from '../support/e2e.js';

const cluster = useCluster();

describe.concurrent('kubectl patch', () => {
  it('strategic: merges containers by name, deletes by directive', async () => {
    const { kubectl } = await cluster.scene('patch');
    await kubectl.apply(deployment('web'));
    const patch = (spec: object) =>
      kubectl.ok(['patch', 'deployment', 'web', '-p', JSON.stringify({ spec: { template: { spec } } })]);
    expect(await patch({ containers: [{ name: 'side', image: 'envoy' }] })).toBe('deployment.apps/web patched\n');
    const names = '{.spec.template.spec.containers[*].name}';
    expect((await kubectl.path(['get', 'deployment', 'web'], names)).split(' ').sort()).toEqual(['main', 'side']);
    await patch({ containers: [{ name: 'side', $patch: 'delete' }], terminationGracePeriodSeconds: 5 });
    expect(await kubectl.path(['get', 'deployment', 'web'], names)).toBe('main');
    await patch({ containers: [{ name: 'main', env: [{ name: 'A', value: '1' }] }] });
    const container = '{.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env}';
    expect(await kubectl.path(['get', 'deployment', 'web'], container)).toBe('nginx:1.27 [{"name":"A","value":"1"}]');
    expect(await kubectl.ok(['patch', 'deployment', 'web', '-p', '{"spec":{"replicas":1}}'])).toBe(
      'deployment.apps/web patched (no change)\n',
    );
  });

  it('merge: replaces lists, removes with null', async () => {
    const { kubectl } = await cluster.scene('patch');
    await kubectl.apply(
      service('web', {
        ports: [
          { name: 'a', port: 80 },
          { name: 'b', port: 81 },
        ],
      }),
    );
    await kubectl.ok(['label', 'service', 'web', 'a=1']);
    const patch = { metadata: { labels: { a: null } }, spec: { ports: [{ name: 'c', port: 82 }] } };
    await kubectl.ok(['patch', 'service', 'web', '--type=merge', '-p', JSON.stringify(patch)]);
    expect(await kubectl.path(['get', 'service', 'web'], '{.spec.ports[*].name} {.metadata.labels}')).toBe('c ');
  });

  it('json: adds, replaces, removes, tests', async () => {
    const { kubectl } = await cluster.scene('patch');
    await kubectl.ok(['create', 'configmap', 'config', '--from-literal=a=1', '--from-literal=b=2']);
    const patch = (...operations: object[]) => [
      'patch',
      'configmap',
      'config',
      '--type=json',
      '-p',
      JSON.stringify(operations),
    ];
    await kubectl.ok(
      patch(
        { op: 'test', path: '/data/a', value: '1' },
        { op: 'replace', path: '/data/a', value: '10' },
        { op: 'remove', path: '/data/b' },
        { op: 'add', path: '/metadata/labels', value: { 'a~b': 'c' } },
      ).map((text) => text.replace('a~b', 'a.b/c')),
    );
    expect(await kubectl.path(['get', 'configmap', 'config'], '{.data} {.metadata.labels}')).toBe(
      '{"a":"10"} {"a.b/c":"c"}',
    );
    expect(await kubectl.fails(patch({ op: 'test', path: '/data/a', value: '11' }))).toContain(
      'The request is invalid',
    );
    expect(await kubectl.fails(patch({ op: 'remove', path: '/data/none' }))).toContain('The request is invalid');
    expect(await kubectl.fails(['patch', 'configmap', 'config', '--type=json', '-p', '{"data":1}'])).toMatch(
      /cannot unmarshal|json/i,
    );
  });

  it('--subresource status and scale, from a file, and what may not change', async () => {
    const { kubectl } = await cluster.scene('patch');
    await kubectl.apply(deployment('web', { replicas: 0 }));
    const condition = { type: 'Mine', status: 'True', reason: 'Because', message: 'of me' };
    await kubectl.ok([
      'patch',
      'deployment',
      'web',
      '--subresource=status',
      '-p',
      JSON.stringify({ status: { conditions: [condition] } }),
    ]);
    expect(await kubectl.path(['get', 'deployment', 'web'], '{.status.conditions[?(@.type=="Mine")].reason}')).toBe(
      'Because',
    );
    const ignored = { spec: { replicas: 5 }, status: { collisionCount: 3 } };
    await kubectl.ok([
      'patch',
      'deployment',
      'web',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify(ignored),
    ]);
    expect(await kubectl.path(['get', 'deployment', 'web'], '{.spec.replicas} {.status.collisionCount}')).toBe('0 3');
    await kubectl.ok([
      'patch',
      'deployment',
      'web',
      '--subresource=scale',
      '--type=merge',
      '-p',
      '{"spec":{"replicas":2}}',
    ]);
    await kubectl.ok(['wait', '--for=jsonpath={.status.readyReplicas}=2', 'deployment/web', '--timeout=20s']);
    const refused = await kubectl.fails([
      'patch',
      'deployment',
      'web',
      '--type=merge',
      '-p',
      '{"spec":{"selector":{"matchLabels":{"a":"b"}}}}',
    ]);
    expect(refused).toContain('field is immutable');
    expect(await kubectl.fails(['patch', 'deployment', 'nobody', '-p', '{}'])).toBe(
      'Error from server (NotFound): deployments.apps "nobody" not found\n',
    );
  });

  it('rows 165 and 168: annotates each pod of a controller; a dry run keeps the image', async () => {
    const { kubectl } = await cluster.scene('patch');
    await kubectl.apply(replicationController('web', { replicas: 2 }));
    await kubectl.ok(['wait', '--for=jsonpath={.status.readyReplicas}=2', 'rc/web', '--timeout=20s']);
    const pods = (await kubectl.ok(['get', 'pods', '-o', 'name'])).trim().split('\n');
    for (const name of pods) await kubectl.ok(['patch', name, '-p', '{"metadata":{"annotations":{"x":"y"}}}']);
    expect(await kubectl.path(['get', 'pods'], '{.items[*].metadata.annotations.x}')).toBe('y y');
    const image = '{"spec":{"containers":[{"name":"main","image":"other"}]}}';
    expect(await kubectl.ok(['patch', pods[0] ?? '', '--dry-run=server', '-p', image])).toMatch(
      /^pod\/web-\S+ patched/,
    );
    expect(await kubectl.path(['get', 'pods'], '{.items[*].spec.containers[0].image}')).toBe('nginx:1.27 nginx:1.27');
  });
});

describe.concurrent('kubectl label and annotate', () => {
  it('row 164: labels: add, show, overwrite, remove, list', async () => {
    const { kubectl } = await cluster.scene('label');
    await kubectl.apply(pod('web'));
    expect(await kubectl.ok(['label', 'pod', 'web', 'testing=yes'])).toBe('pod/web labeled\n');
    expect(await kubectl.ok(['get', 'pod', 'web', '-L', 'testing', '--no-headers'])).toMatch(/ yes\n$/);
    expect(await kubectl.fails(['label', 'pod', 'web', 'testing=no'])).toContain(
      "'testing' already has a value (yes), and --overwrite is false",
    );
    await kubectl.ok(['label', 'pod', 'web', 'testing=no', '--overwrite']);
    expect((await kubectl.ok(['label', 'pod', 'web', '--list'])).trim().split('\n').sort()).toEqual([
      'app=web',
      'testing=no',
    ]);
    expect(await kubectl.ok(['label', 'pod', 'web', 'testing-'])).toBe('pod/web unlabeled\n');
    expect(await kubectl.ok(['label', 'pod', 'web', 'testing-'])).toContain(
      'label "testing" not found.\npod/web not labeled\n',
    );
    expect(await kubectl.path(['get', 'pod', 'web'], '{.metadata.labels}')).toBe('{"app":"web"}');
    expect(await kubectl.fails(['label', 'pod', 'web', 'a=b c'])).toContain('invalid');
    expect(await kubectl.ok(['label', 'pods', '--all', 'every=one'])).toBe('pod/web labeled\n');
  });

  it('annotations: add, overwrite, remove, list', async () => {
    const { kubectl } = await cluster.scene('annotate');
    await kubectl.ok(['create', 'configmap', 'config']);
    expect(await kubectl.ok(['annotate', 'configmap', 'config', 'note=any text: here', 'b=2'])).toBe(
      'configmap/config annotated\n',
    );
    expect(await kubectl.fails(['annotate', 'configmap', 'config', 'b=3'])).toContain(
      '--overwrite is false but found the following declared annotation(s)',
    );
    await kubectl.ok(['annotate', 'configmap', 'config', 'b=3', '--overwrite']);
    expect((await kubectl.ok(['annotate', 'configmap', 'config', '--list'])).trim().split('\n').sort()).toEqual([
      'b=3',
      'note=any text: here',
    ]);
    await kubectl.ok(['annotate', 'configmap', 'config', 'b-']);
    expect(await kubectl.path(['get', 'configmap', 'config'], '{.metadata.annotations}')).toBe(
      '{"note":"any text: here"}',
    );
  });
});

describe.concurrent('kubectl expose and run', () => {
  it('exposes a deployment, a service and a pod; endpoints fill in', async () => {
    const { kubectl } = await cluster.scene('expose');
    await kubectl.apply(
      deployment('web', {
        replicas: 2,
        podSpec: { containers: [{ name: 'main', image: 'nginx', ports: [{ name: 'http', containerPort: 8080 }] }] },
      }),
    );
    expect(await kubectl.ok(['expose', 'deployment', 'web', '--port=80', '--target-port=http'])).toBe(
      'service/web exposed\n',
    );
    expect(
      await kubectl.ok([
        'expose',
        'service',
        'web',
        '--name=copy',
        '--port=81',
        '--target-port=8080',
        '--type=NodePort',
      ]),
    ).toBe('service/copy exposed\n');
    await eventually(async () => {
      const addresses = (await kubectl.path(['get', 'pods'], '{.items[*].status.podIP}')).split(' ').sort();
      expect(addresses).toHaveLength(2);
      const slices = await kubectl.path(
        ['get', 'endpointslices', '-l', 'kubernetes.io/service-name=web'],
        '{.items[*].endpoints[?(@.conditions.ready==true)].addresses[0]} {.items[*].ports[0].port}',
      );
      expect(slices.split(' ').sort()).toEqual([...addresses, '8080'].sort());
      expect(await kubectl.ok(['get', 'endpoints', 'web', '--no-headers'])).toMatch(
        /^web +(10\.244\.\d+\.\d+:8080,?){2} /,
      );
    });
    await kubectl.ok(['run', 'single', '--image=nginx', '--port=8080', '--expose']);
    expect(await kubectl.path(['get', 'service', 'single'], '{.spec.selector} {.spec.ports[0].port}')).toBe(
      '{"run":"single"} 8080',
    );
    await kubectl.ok(['scale', 'deployment/web', '--replicas=0']);
    await eventually(async () =>
      expect(await kubectl.ok(['get', 'endpoints', 'web', '--no-headers'])).toMatch(/^web +<none> /),
    );
  });

  it('row 167: runs a pod, one that ends, one with overrides, none at all', async () => {
    const { kubectl } = await cluster.scene('run');
    expect(await kubectl.ok(['run', 'plain', '--image=nginx:1.27', '--restart=Never'])).toBe('pod/plain created\n');
    expect(await kubectl.path(['get', 'pod', 'plain'], '{.spec.containers[0].image} {.spec.restartPolicy}')).toBe(
      'nginx:1.27 Never',
    );
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/plain', '--timeout=20s']);
    const ends = {
      metadata: { annotations: { 'simulated.zeroplane.dev/exit-code': '0', 'simulated.zeroplane.dev/run-ms': '200' } },
    };
    await kubectl.ok([
      'run',
      'ends',
      '--image=busybox',
      '--restart=Never',
      `--overrides=${JSON.stringify(ends)}`,
      '--env=A=1',
      '--labels=a=b',
      '--',
      'echo',
      'hi',
    ]);
    await kubectl.ok(['wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/ends', '--timeout=20s']);
    expect(await kubectl.ok(['get', 'pod', 'ends', '--no-headers'])).toMatch(/^ends +0\/1 +Completed +0 /);
    const spec = (await kubectl.json<{ spec: { containers: object[] } }>(['get', 'pod', 'ends'])).spec;
    expect(spec.containers[0]).toMatchObject({ args: ['echo', 'hi'], env: [{ name: 'A', value: '1' }] });
    const dry = await kubectl.json<V1Deployment>(['run', 'none', '--image=nginx', '--dry-run=server']);
    expect(dry.spec).toMatchObject({
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
    });
    expect(await kubectl.ok(['run', 'none', '--image=nginx', '--dry-run=client', '-o', 'yaml'])).toMatch(
      /^apiVersion: v1\nkind: Pod\n/,
    );
    expect(await kubectl.ok(['get', 'pod', 'none', '--ignore-not-found'])).toBe('');
    expect(await kubectl.fails(['run', 'plain', '--image=nginx'])).toContain('pods "plain" already exists');
  });

  it('row 166: replaces the image of a pod', async () => {
    const { kubectl } = await cluster.scene('run');
    await kubectl.ok(['run', 'web', '--image=nginx:1.26']);
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/web', '--timeout=20s']);
    const json = (await kubectl.ok(['get', 'pod', 'web', '-o', 'json'])).replace(
      '"image": "nginx:1.26"',
      '"image": "nginx:1.27"',
    );
    expect(await kubectl.ok(['replace', '-f', '-'], { input: json.replace(/"resourceVersion": "\d+",/, '') })).toBe(
      'pod/web replaced\n',
    );
    expect(await kubectl.path(['get', 'pod', 'web'], '{.spec.containers[0].image}')).toBe('nginx:1.27');
    await eventually(async () =>
      expect(await kubectl.path(['get', 'pod', 'web'], '{.status.containerStatuses[0].image}')).toContain('nginx:1.27'),
    );
  });
});
