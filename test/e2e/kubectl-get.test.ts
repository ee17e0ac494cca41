import { beforeAll, describe, expect, it } from 'vitest';
import { Lines } from './lines.js';
import { deployment, pod, service } from './manifests.js';
import { eventually } from '../support/eventually.js';
import { useCluster, type Scene } from '../support/e2e.js';

const cluster = useCluster();

describe.concurrent('kubectl get', () => {
  let scene: Scene;
  beforeAll(async () => {
    if (!cluster.isStarted) return;
    scene = await cluster.scene('get');
    await scene.kubectl.apply(
      deployment('web', { replicas: 2, labels: { app: 'web', tier: 'front' } }),
      deployment('db', { labels: { app: 'db' } }),
      service('web'),
    );
    for (const name of ['web', 'db'])
      await scene.kubectl.ok(['rollout', 'status', `deployment/${name}`, '--timeout=20s']);
  });

  it('tables, narrow and wide, without headers, of several kinds', async () => {
    const { kubectl } = scene;
    const table = await kubectl.ok(['get', 'deployments']);
    expect(table.split('\n')[0]).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE$/);
    expect(table).toMatch(/^db +1\/1 +1 +1 +\d+s$/m);
    expect(table).toMatch(/^web +2\/2 +2 +2 +\d+s$/m);
    expect(await kubectl.ok(['get', 'deploy', 'web', '-o', 'wide'])).toMatch(
      /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR\nweb +2\/2 +2 +2 +\d+s +main +nginx:1\.27 +app=web\n$/,
    );
    expect(await kubectl.ok(['get', 'pods', '-l', 'app=db', '--no-headers'])).toMatch(
      /^db-[a-z0-9]+-[a-z0-9]{5} +1\/1 +Running +0 +\d+s\n$/,
    );
    expect(await kubectl.ok(['get', 'pods', '-l', 'app=db', '-o', 'wide'])).toMatch(
      /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\ndb\S+ +1\/1 +Running +0 +\d+s +10\.244\.\d+\.\d+ +node-[12] +<none> +<none>\n$/,
    );
    const all = await kubectl.ok(['get', 'all']);
    for (const prefix of ['pod/web-', 'service/web', 'deployment.apps/web', 'replicaset.apps/web-']) {
      expect(all).toContain(`\n${prefix}`);
    }
    expect(await kubectl.ok(['get', 'deploy/web', 'svc/web', '-o', 'name'])).toBe('deployment.apps/web\nservice/web\n');
    expect(await kubectl.ok(['get', 'nodes'])).toMatch(/^node-1 +Ready +<none> +\d+s +v1\.36\.\d+$/m);
    expect(await kubectl.ok(['get', 'namespaces'])).toMatch(/^kube-system +Active +\d+s$/m);
  });

  it('json and yaml of one, of several, of none', async () => {
    const { kubectl, namespace } = scene;
    const web = await kubectl.json<object>(['get', 'deployment', 'web']);
    expect(web).toMatchObject({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { namespace } });
    const list = await kubectl.json<{ items: object[] }>(['get', 'deployments']);
    expect(list).toMatchObject({
      apiVersion: 'v1',
      kind: 'List',
      items: [{ kind: 'Deployment' }, { kind: 'Deployment' }],
    });
    expect(await kubectl.ok(['get', 'service', 'web', '-o', 'yaml'])).toMatch(
      /^apiVersion: v1\nkind: Service\nmetadata:\n {2}annotations:\n/,
    );
    expect(await kubectl.run(['get', 'jobs'])).toEqual({
      code: 0,
      stdout: '',
      stderr: `No resources found in ${namespace} namespace.\n`,
    });
    expect(await kubectl.fails(['get', 'pod', 'nobody'])).toBe(
      'Error from server (NotFound): pods "nobody" not found\n',
    );
    expect(await kubectl.fails(['get', 'things'])).toBe('error: the server doesn\'t have a resource type "things"\n');
    expect(await kubectl.ok(['get', 'pod', 'nobody', '--ignore-not-found'])).toBe('');
  });

  it('jsonpath, go-template and custom-columns', async () => {
    const { kubectl } = scene;
    const images = '{range .items[*]}{.metadata.name}={.spec.template.spec.containers[0].image} {end}';
    expect(await kubectl.path(['get', 'deployments'], images)).toBe('db=nginx:1.27 web=nginx:1.27 ');
    const template = '{{range .items}}{{.metadata.name}}:{{.spec.replicas}} {{end}}';
    expect(await kubectl.ok(['get', 'deployments', '-o', `go-template=${template}`])).toBe('db:1 web:2 ');
    const columns = 'custom-columns=NAME:.metadata.name,WANTED:.spec.replicas,NONE:.spec.nothing';
    expect(await kubectl.ok(['get', 'deployments', '-o', columns])).toBe(
      'NAME   WANTED   NONE\ndb     1        <none>\nweb    2        <none>\n',
    );
  });

  it('labels: selectors, columns and all of them', async () => {
    const { kubectl } = scene;
    const count = async (selector: string): Promise<number> =>
      (await kubectl.ok(['get', 'pods', '-l', selector, '-o', 'name'])).split('\n').length - 1;
    expect(await count('app=web')).toBe(2);
    expect(await count('app!=web')).toBe(1);
    expect(await count('app in (web,db),tier')).toBe(2);
    expect(await count('app notin (web)')).toBe(1);
    expect(await count('!tier')).toBe(1);
    expect(await kubectl.ok(['get', 'pods', '-L', 'app,tier', '-l', 'app=web'])).toMatch(
      /^NAME +READY +STATUS +RESTARTS +AGE +APP +TIER\n(web-\S+ +1\/1 +Running +0 +\d+s +web +front\n){2}$/,
    );
    expect(await kubectl.ok(['get', 'deployment', 'web', '--show-labels', '--no-headers'])).toMatch(/ app=web\n$/);
    expect(await kubectl.fails(['get', 'pods', '-l', 'app in web'])).toContain('unable to parse requirement');
  });

  it('field selectors', async () => {
    const { kubectl, namespace } = scene;
    expect(await kubectl.ok(['get', 'deployments', '--field-selector', 'metadata.name=db', '-o', 'name'])).toBe(
      'deployment.apps/db\n',
    );
    const running = await kubectl.ok([
      'get',
      'pods',
      '--field-selector',
      'status.phase=Running,spec.nodeName!=node-9',
      '-o',
      'name',
    ]);
    expect(running.split('\n')).toHaveLength(4);
    expect(await kubectl.ok(['get', 'pods', '--field-selector', 'status.phase=Failed', '-o', 'name'])).toBe('');
    const perNode = await Promise.all(
      ['node-1', 'node-2'].map((node) =>
        kubectl.ok([
          'get',
          'pods',
          '-A',
          '--field-selector',
          `spec.nodeName=${node},metadata.namespace=${namespace}`,
          '-o',
          'name',
        ]),
      ),
    );
    expect(perNode.join('').split('\n')).toHaveLength(4);
    expect(await kubectl.fails(['get', 'pods', '--field-selector', 'spec.nothing=1'])).toContain(
      'field label not supported: spec.nothing',
    );
  });

  it('sorted, over all namespaces, in chunks', async () => {
    const { kubectl, namespace } = scene;
    expect(await kubectl.ok(['get', 'deployments', '--sort-by=.spec.replicas', '-o', 'name'])).toBe(
      'deployment.apps/db\ndeployment.apps/web\n',
    );
    expect(await kubectl.ok(['get', 'deployments', '--sort-by={.metadata.name}', '--no-headers'])).toMatch(
      /^db .*\nweb .*\n$/,
    );
    const everywhere = await kubectl.ok(['get', 'services', '-A']);
    expect(everywhere).toMatch(/^NAMESPACE +NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\n/);
    expect(everywhere).toMatch(/^default +kubernetes +ClusterIP +10\.96\.0\.1 +<none> +443\/TCP +\d+s$/m);
    expect(everywhere).toMatch(new RegExp(`^${namespace} +web +ClusterIP`, 'm'));
    expect(await kubectl.ok(['get', 'pods', '--chunk-size=1', '-o', 'name'])).toBe(
      await kubectl.ok(['get', 'pods', '-o', 'name']),
    );
    expect((await kubectl.ok(['get', 'pods', '--chunk-size=1', '--no-headers'])).split('\n')).toHaveLength(4);
  });

  it('--raw, --show-managed-fields, --subresource, --output-watch-events', async () => {
    const { kubectl, namespace } = scene;
    const raw = JSON.parse(
      await kubectl.ok(['get', '--raw', `/apis/apps/v1/namespaces/${namespace}/deployments/web/scale`]),
    ) as object;
    expect(raw).toMatchObject({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      spec: { replicas: 2 },
      status: { selector: 'app=web' },
    });
    expect(await kubectl.ok(['get', '--raw', '/readyz'])).toBe('ok');
    expect(await kubectl.ok(['get', '--raw', '/livez?verbose'])).toContain('livez check passed');
    expect(await kubectl.fails(['get', '--raw', '/nothing'])).toContain(
      'the server could not find the requested resource',
    );
    expect(await kubectl.ok(['get', 'deployment', 'web', '-o', 'yaml', '--show-managed-fields'])).toContain(
      'name: web',
    );
    const scale = await kubectl.json<object>(['get', 'deployment', 'web', '--subresource=scale']);
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } });
    expect(await kubectl.ok(['get', 'deployment', 'web', '--subresource=status', '--no-headers'])).toMatch(
      /^web +2\/2/,
    );
  });

  it('events, newest last, and of one object', async () => {
    const { kubectl } = scene;
    await eventually(async () => {
      const table = await kubectl.ok(['events', '--for', 'deployment/web']);
      expect(table).toMatch(/^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n/);
      expect(table).toMatch(
        / +Normal +ScalingReplicaSet +Deployment\/web +Scaled up replica set web-\S+ from 0 to 2$/m,
      );
    });
    const [name = ''] = (await kubectl.path(['get', 'pods', '-l', 'app=db'], '{.items[*].metadata.name}')).split(' ');
    await eventually(async () => {
      const table = await kubectl.ok(['events', '--for', `pod/${name}`, '--types=Normal', '--no-headers']);
      for (const reason of ['Scheduled', 'Pulled', 'Created', 'Started']) expect(table).toContain(` ${reason} `);
    });
    expect(await kubectl.ok(['events', '--types=Warning', '--for', 'deployment/web', '--no-headers'])).toBe('');
    expect(
      await kubectl.ok([
        'get',
        'events',
        '--field-selector',
        'reason=ScalingReplicaSet,involvedObject.name=db',
        '--no-headers',
      ]),
    ).toMatch(/^\S+ +Normal +ScalingReplicaSet +deployment\/db +Scaled up replica set/);
    expect(await kubectl.ok(['get', 'events.events.k8s.io', '-o', 'name'])).toContain('event.events.k8s.io/web');
  });
});

describe.concurrent('kubectl get --watch', () => {
  it('shows what is there and what happens', async () => {
    const { kubectl } = await cluster.scene('watch');
    await kubectl.ok(['create', 'configmap', 'first']);
    const lines = new Lines(
      kubectl.spawn(['get', 'configmaps', '--watch', '-o', 'name', '--field-selector=metadata.name!=kube-root-ca.crt']),
    );
    await lines.until('configmap/first');
    await kubectl.ok(['create', 'configmap', 'second']);
    await lines.until('configmap/second');
    await kubectl.ok(['delete', 'configmap', 'first']);
    await lines.until('configmap/first', 2);
    lines.end();
  });

  it('--watch-only and --output-watch-events', async () => {
    const { kubectl } = await cluster.scene('watch');
    await kubectl.ok(['create', 'configmap', 'first']);
    const lines = new Lines(
      kubectl.spawn(['get', 'configmaps', '-l', 'seen', '--watch-only', '--output-watch-events']),
    );
    await eventually(async () => {
      await kubectl.ok(['label', 'configmap', 'first', 'seen-']);
      await kubectl.ok(['label', 'configmap', 'first', 'seen=yes']);
      await lines.until(/^ADDED +first +0 +/, 1, 300);
    });
    await kubectl.ok(['annotate', 'configmap', 'first', 'a=b']);
    await lines.until(/^MODIFIED +first +0 +/);
    await kubectl.ok(['label', 'configmap', 'first', 'seen-']);
    await lines.until(/^DELETED +first +0 +/);
    lines.end();
  });

  it('a table of a pod on its way, until the request times out', async () => {
    const { kubectl } = await cluster.scene('watch');
    const lines = new Lines(kubectl.spawn(['get', 'pods', '--watch', '--request-timeout=6s']));
    await kubectl.apply(pod('slow', { annotations: { 'simulated.zeroplane.dev/pull': '700' } }));
    await lines.until(/^NAME +READY +STATUS +RESTARTS +AGE$/);
    await lines.until(/^slow +0\/1 +ContainerCreating +0 +\d+s$/);
    await lines.until(/^slow +1\/1 +Running +0 +\d+s$/);
    await kubectl.ok(['delete', 'pod', 'slow', '--now']);
    await lines.until(/^slow +[01]\/1 +(Terminating|Completed|Error|Running) +0 +\d+s$/);
    await lines.ended();
  });
});
