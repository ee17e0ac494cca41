import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { configMaps, deployments, jobs, secrets, services } from '../../lib/client/resources.js';
import { eventually } from '../support/eventually.js';
import { useCluster } from '../support/e2e.js';
import { selfSignedCertificate } from './certificate.js';

const cluster = useCluster();

const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();

describe.concurrent('kubectl create', () => {
  it('namespace', async () => {
    expect(await cluster.kubectl.ok(['create', 'namespace', 'made'])).toBe('namespace/made created\n');
    const namespace = await cluster.kubectl.json<object>(['get', 'namespace', 'made']);
    expect(namespace).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'made' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
    expect(await cluster.kubectl.fails(['create', 'namespace', 'made'])).toBe(
      'Error from server (AlreadyExists): namespaces "made" already exists\n',
    );
    expect(await cluster.kubectl.fails(['create', 'namespace', 'Not_A_Name'])).toMatch(
      /The Namespace "Not_A_Name" is invalid: metadata\.name: Invalid value: "Not_A_Name": a lowercase RFC 1123 label must consist of/,
    );
  });

  it('deployment, which runs its pods', async () => {
    const { kubectl, client, namespace } = await cluster.scene();
    const args = ['deployment', 'web', '--image=nginx:1.27', '--replicas=2', '--port=8080'];
    expect(await kubectl.ok(['create', ...args])).toBe('deployment.apps/web created\n');
    await kubectl.ok(['wait', '--for=condition=Available', 'deployment/web', '--timeout=20s']);
    const web = await client.get(deployments, { namespace, name: 'web' });
    expect(web.spec?.template.spec?.containers[0]).toMatchObject({
      image: 'nginx:1.27',
      imagePullPolicy: 'IfNotPresent',
      ports: [{ containerPort: 8080, protocol: 'TCP' }],
    });
    expect(web.spec?.strategy).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' },
    });
    const pods = await kubectl.path(['get', 'pods', '-l', 'app=web'], '{range .items[*]}{.status.phase} {end}');
    expect(pods).toBe('Running Running ');
  });

  it('deployment with several images and a command', async () => {
    const { kubectl } = await cluster.scene();
    await kubectl.ok(['create', 'deployment', 'two', '--image=nginx', '--image=busybox:1.36']);
    expect(await kubectl.path(['get', 'deployment', 'two'], '{.spec.template.spec.containers[*].name}')).toBe(
      'nginx busybox',
    );
    await kubectl.ok(['create', 'deployment', 'one', '--image=busybox', '--', 'sleep', '60']);
    expect(await kubectl.path(['get', 'deployment', 'one'], '{.spec.template.spec.containers[0].command}')).toBe(
      '["sleep","60"]',
    );
  });

  it('configmap from literals, files, binary files and env files', async () => {
    const { kubectl, client, namespace } = await cluster.scene();
    const folder = cluster.folder();
    writeFileSync(path.join(folder, 'app.properties'), 'color=blue\n');
    writeFileSync(path.join(folder, 'bytes.bin'), Buffer.from([0, 255, 254, 1]));
    writeFileSync(path.join(folder, 'vars.env'), '# comment\nA=1\nB=two words\n');
    const files = [`--from-file=${folder}/app.properties`, `--from-file=raw=${folder}/bytes.bin`];
    expect(await kubectl.ok(['create', 'configmap', 'all', '--from-literal=greeting=hello', ...files])).toBe(
      'configmap/all created\n',
    );
    const all = await client.get(configMaps, { namespace, name: 'all' });
    expect(all.data).toEqual({ greeting: 'hello', 'app.properties': 'color=blue\n' });
    expect(all.binaryData).toEqual({ raw: Buffer.from([0, 255, 254, 1]).toString('base64') });
    await kubectl.ok(['create', 'configmap', 'env', `--from-env-file=${folder}/vars.env`]);
    expect((await client.get(configMaps, { namespace, name: 'env' })).data).toEqual({ A: '1', B: 'two words' });
  });

  it('secret generic, tls and docker-registry', async () => {
    const { kubectl, client, namespace } = await cluster.scene();
    await kubectl.ok([
      'create',
      'secret',
      'generic',
      'plain',
      '--from-literal=password=s3cr3t',
      '--from-literal=user=joe',
    ]);
    const plain = await client.get(secrets, { namespace, name: 'plain' });
    expect(plain.type).toBe('Opaque');
    expect(decode(plain.data?.['password'])).toBe('s3cr3t');
    expect(decode(plain.data?.['user'])).toBe('joe');

    const { certificateFile, keyFile, certificate } = await selfSignedCertificate(cluster.folder());
    await kubectl.ok(['create', 'secret', 'tls', 'tls', `--cert=${certificateFile}`, `--key=${keyFile}`]);
    const tls = await client.get(secrets, { namespace, name: 'tls' });
    expect(tls.type).toBe('kubernetes.io/tls');
    expect(decode(tls.data?.['tls.crt'])).toBe(certificate);

    const login = [
      '--docker-server=registry.example',
      '--docker-username=joe',
      '--docker-password=pw',
      '--docker-email=a@b.c',
    ];
    await kubectl.ok(['create', 'secret', 'docker-registry', 'registry', ...login]);
    const registry = await client.get(secrets, { namespace, name: 'registry' });
    expect(registry.type).toBe('kubernetes.io/dockerconfigjson');
    expect(JSON.parse(decode(registry.data?.['.dockerconfigjson']))).toMatchObject({
      auths: { 'registry.example': { username: 'joe', password: 'pw' } },
    });
    expect(await kubectl.ok(['get', 'secrets', '--no-headers'])).toMatch(/^plain +Opaque +2 +\S+$/m);
    expect(
      await kubectl.fails(['create', '-f', '-'], {
        input: JSON.stringify({
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'bad' },
          type: 'kubernetes.io/tls',
          data: {},
        }),
      }),
    ).toContain('data[tls.crt]: Required value');
  });

  it('service of each type', async () => {
    const { kubectl, client, namespace } = await cluster.scene();
    const get = (name: string) => client.get(services, { namespace, name });
    await kubectl.ok(['create', 'service', 'clusterip', 'plain', '--tcp=80:8080', '--tcp=443']);
    const plain = await get('plain');
    expect(plain.spec).toMatchObject({
      type: 'ClusterIP',
      selector: { app: 'plain' },
      ports: [
        { name: '80-8080', port: 80, targetPort: 8080, protocol: 'TCP' },
        { name: '443', port: 443, targetPort: 443, protocol: 'TCP' },
      ],
      sessionAffinity: 'None',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
    });
    expect(plain.spec?.clusterIP).toMatch(/^10\.96\./);
    expect(plain.spec?.clusterIPs).toEqual([plain.spec?.clusterIP]);

    await kubectl.ok(['create', 'service', 'clusterip', 'headless', '--clusterip=None', '--tcp=80']);
    expect((await get('headless')).spec).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'] });

    await kubectl.ok(['create', 'service', 'nodeport', 'outside', '--tcp=80', '--node-port=30123']);
    expect((await get('outside')).spec).toMatchObject({ type: 'NodePort', ports: [{ nodePort: 30123 }] });
    expect(await kubectl.fails(['create', 'service', 'nodeport', 'again', '--tcp=80', '--node-port=30123'])).toMatch(
      /spec\.ports\[0\]\.nodePort: Invalid value: 30123: provided port is already allocated/,
    );
    await kubectl.ok(['create', 'service', 'nodeport', 'any', '--tcp=80']);
    const nodePort = (await get('any')).spec?.ports?.[0]?.nodePort ?? 0;
    expect(nodePort).toBeGreaterThanOrEqual(30_000);
    expect(nodePort).toBeLessThanOrEqual(32_767);

    await kubectl.ok(['create', 'service', 'loadbalancer', 'balanced', '--tcp=80']);
    await kubectl.ok(['create', 'service', 'externalname', 'elsewhere', '--external-name=example.org', '--tcp=80']);
    expect((await get('elsewhere')).spec?.clusterIP ?? '').toBe('');
    const table = await kubectl.ok(['get', 'services']);
    expect(table).toMatch(/^balanced +LoadBalancer +10\.96\.\d+\.\d+ +<pending> +80:\d+\/TCP +\S+$/m);
    expect(table).toMatch(/^elsewhere +ExternalName +<none> +example\.org +80\/TCP +\S+$/m);
    expect(table).toMatch(/^headless +ClusterIP +None +<none> +80\/TCP +\S+$/m);
    expect(table).toMatch(/^outside +NodePort +10\.96\.\d+\.\d+ +<none> +80:30123\/TCP +\S+$/m);
  });

  it('job, which completes, and a job from a cronjob', async () => {
    const { kubectl, client, namespace } = await cluster.scene();
    expect(await kubectl.ok(['create', 'job', 'once', '--image=busybox', '--', 'echo', 'hello'])).toBe(
      'job.batch/once created\n',
    );
    expect(await kubectl.ok(['create', 'cronjob', 'monthly', '--image=busybox', '--schedule=0 0 1 * *'])).toBe(
      'cronjob.batch/monthly created\n',
    );
    expect(await kubectl.ok(['create', 'job', 'by-hand', '--from=cronjob/monthly'])).toBe(
      'job.batch/by-hand created\n',
    );
    await kubectl.ok(['wait', '--for=condition=complete', 'job/once', 'job/by-hand', '--timeout=20s']);
    const once = await client.get(jobs, { namespace, name: 'once' });
    expect(once.status).toMatchObject({ succeeded: 1 });
    expect(once.spec).toMatchObject({ completions: 1, parallelism: 1, backoffLimit: 6, completionMode: 'NonIndexed' });
    const byHand = await client.get(jobs, { namespace, name: 'by-hand' });
    expect(byHand.metadata).toMatchObject({
      annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
      ownerReferences: [{ kind: 'CronJob', name: 'monthly', controller: true }],
    });
    const table = await kubectl.ok(['get', 'jobs,cronjobs']);
    expect(table).toMatch(/^job\.batch\/once +Complete +1\/1 +\S+ +\S+$/m);
    expect(table).toMatch(/^cronjob\.batch\/monthly +0 0 1 \* \* +<none> +False +\d +\S+ +\S+$/m);
  });

  it('kinds that nothing acts on yet are kept, with a warning', async () => {
    const { kubectl } = await cluster.scene();
    const { code, stdout, stderr } = await kubectl.run(['create', 'ingress', 'front', '--rule=example.org/*=web:80']);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(' created\n');
    expect(stderr).toMatch(/^Warning: .+/m);
    expect(await kubectl.ok(['get', 'ingress'])).toMatch(/^front +<none> +example\.org +80 +\S+$/m);
  });

  it('role, rolebinding, clusterrole and clusterrolebinding', async () => {
    const { kubectl, namespace } = await cluster.scene();
    await kubectl.ok(['create', 'role', 'reader', '--verb=get,list', '--resource=pods,deployments.apps']);
    expect(await kubectl.path(['get', 'role', 'reader'], '{.rules}')).toBe(
      '[{"apiGroups":[""],"resources":["pods"],"verbs":["get","list"]},{"apiGroups":["apps"],"resources":["deployments"],"verbs":["get","list"]}]',
    );
    await kubectl.ok([
      'create',
      'rolebinding',
      'readers',
      '--role=reader',
      '--user=jane',
      `--serviceaccount=${namespace}:default`,
    ]);
    expect(await kubectl.ok(['get', 'rolebinding', 'readers', '-o', 'wide', '--no-headers'])).toMatch(
      new RegExp(`^readers +Role/reader +\\S+ +jane +${namespace}/default$`, 'm'),
    );
    await kubectl.ok(['create', 'clusterrole', namespace, '--verb=get', '--non-resource-url=/healthz']);
    await kubectl.ok(['create', 'clusterrolebinding', namespace, `--clusterrole=${namespace}`, '--group=everyone']);
    expect(await kubectl.path(['get', 'clusterrolebinding', namespace], '{.roleRef.name} {.subjects[0].kind}')).toBe(
      `${namespace} Group`,
    );
  });

  it('serviceaccount, poddisruptionbudget and priorityclass', async () => {
    const { kubectl, namespace } = await cluster.scene();
    await kubectl.ok(['create', 'serviceaccount', 'robot']);
    await eventually(async () =>
      expect(await kubectl.ok(['get', 'serviceaccounts', '-o', 'name'])).toBe(
        'serviceaccount/default\nserviceaccount/robot\n',
      ),
    );
    await kubectl.ok(['create', 'poddisruptionbudget', 'half', '--selector=app=web', '--min-available=50%']);
    expect(await kubectl.ok(['get', 'pdb', '--no-headers'])).toMatch(/^half +50% +N\/A +0 +\S+$/m);
    await kubectl.ok(['create', 'priorityclass', namespace, '--value=1000', '--description=important']);
    expect(await kubectl.ok(['get', 'priorityclass', namespace, '--no-headers'])).toMatch(
      new RegExp(`^${namespace} +1000 +false +\\S+( +PreemptLowerPriority)?$`, 'm'),
    );
  });

  it('token, for use against the API', async () => {
    const { kubectl } = await cluster.scene();
    const token = (await kubectl.ok(['create', 'token', 'default', '--duration=1h'])).trim();
    expect(token.split('.')).toHaveLength(3);
    expect(
      await kubectl.ok(['create', 'token', 'default', '--audience=vault', '-o', 'jsonpath={.spec.audiences[0]}']),
    ).toBe('vault');
  });

  it('dry run: nothing is kept, by the client or the server', async () => {
    const { kubectl } = await cluster.scene();
    const client = await kubectl.ok(['create', 'deployment', 'web', '--image=nginx', '--dry-run=client', '-o', 'yaml']);
    expect(client).toContain('kind: Deployment');
    const server = await kubectl.ok(['create', 'deployment', 'web', '--image=nginx', '--dry-run=server', '-o', 'json']);
    expect(JSON.parse(server)).toMatchObject({ metadata: { name: 'web' }, spec: { revisionHistoryLimit: 10 } });
    expect(await kubectl.ok(['create', 'service', 'nodeport', 'web', '--tcp=80', '--dry-run=server'])).toBe(
      'service/web created (server dry run)\n',
    );
    expect(await kubectl.fails(['create', 'service', 'nodeport', 'Web', '--tcp=80', '--dry-run=server'])).toContain(
      'metadata.name',
    );
    expect(await kubectl.ok(['get', 'all', '-o', 'name'])).toBe('');
  });

  it('from a file with several documents, and from bad ones', async () => {
    const { kubectl } = await cluster.scene();
    const input = `apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {a: "1"}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}
---
apiVersion: v1
kind: ConfigMap
metadata: {generateName: any-}
`;
    const output = await kubectl.ok(['create', '-f', '-'], { input });
    expect(output).toMatch(/^configmap\/one created\nconfigmap\/two created\nconfigmap\/any-[a-z0-9]{5} created\n$/);
    const unknown = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"dat":{"a":"1"}}';
    expect(await kubectl.fails(['create', '-f', '-'], { input: unknown })).toContain(
      'strict decoding error: unknown field "dat"',
    );
    const warned = await kubectl.run(['create', '--validate=warn', '-f', '-'], { input: unknown });
    expect(warned.stdout).toBe('configmap/x created\n');
    expect(warned.stderr).toContain('Warning: unknown field "dat"');
    const kind = '{"apiVersion":"example.org/v1","kind":"Thing","metadata":{"name":"x"}}';
    expect(await kubectl.fails(['create', '-f', '-'], { input: kind })).toContain(
      'no matches for kind "Thing" in version "example.org/v1"',
    );
  });
});
