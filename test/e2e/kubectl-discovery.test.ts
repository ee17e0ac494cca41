import { describe, expect, it } from 'vitest';
import { deployment } from './manifests.js';
import { useCluster } from '../support/e2e.js';

const cluster = useCluster({ nodes: 1 });

/** Name, short names, apiVersion, namespaced and kind of some kinds of each group, as `kubectl api-resources` prints them. */
const KINDS = [
  'bindings  v1 true Binding',
  'configmaps cm v1 true ConfigMap',
  'endpoints ep v1 true Endpoints',
  'events ev v1 true Event',
  'limitranges limits v1 true LimitRange',
  'namespaces ns v1 false Namespace',
  'nodes no v1 false Node',
  'persistentvolumeclaims pvc v1 true PersistentVolumeClaim',
  'persistentvolumes pv v1 false PersistentVolume',
  'pods po v1 true Pod',
  'podtemplates  v1 true PodTemplate',
  'replicationcontrollers rc v1 true ReplicationController',
  'resourcequotas quota v1 true ResourceQuota',
  'secrets  v1 true Secret',
  'serviceaccounts sa v1 true ServiceAccount',
  'services svc v1 true Service',
  'mutatingwebhookconfigurations  admissionregistration.k8s.io/v1 false MutatingWebhookConfiguration',
  'validatingadmissionpolicies  admissionregistration.k8s.io/v1 false ValidatingAdmissionPolicy',
  'customresourcedefinitions crd,crds apiextensions.k8s.io/v1 false CustomResourceDefinition',
  'apiservices  apiregistration.k8s.io/v1 false APIService',
  'controllerrevisions  apps/v1 true ControllerRevision',
  'daemonsets ds apps/v1 true DaemonSet',
  'deployments deploy apps/v1 true Deployment',
  'replicasets rs apps/v1 true ReplicaSet',
  'statefulsets sts apps/v1 true StatefulSet',
  'selfsubjectreviews  authentication.k8s.io/v1 false SelfSubjectReview',
  'tokenreviews  authentication.k8s.io/v1 false TokenReview',
  'localsubjectaccessreviews  authorization.k8s.io/v1 true LocalSubjectAccessReview',
  'selfsubjectaccessreviews  authorization.k8s.io/v1 false SelfSubjectAccessReview',
  'horizontalpodautoscalers hpa autoscaling/v2 true HorizontalPodAutoscaler',
  'cronjobs cj batch/v1 true CronJob',
  'jobs  batch/v1 true Job',
  'certificatesigningrequests csr certificates.k8s.io/v1 false CertificateSigningRequest',
  'leases  coordination.k8s.io/v1 true Lease',
  'endpointslices  discovery.k8s.io/v1 true EndpointSlice',
  'events ev events.k8s.io/v1 true Event',
  'flowschemas  flowcontrol.apiserver.k8s.io/v1 false FlowSchema',
  'prioritylevelconfigurations  flowcontrol.apiserver.k8s.io/v1 false PriorityLevelConfiguration',
  'ingressclasses  networking.k8s.io/v1 false IngressClass',
  'ingresses ing networking.k8s.io/v1 true Ingress',
  'ipaddresses ip networking.k8s.io/v1 false IPAddress',
  'networkpolicies netpol networking.k8s.io/v1 true NetworkPolicy',
  'servicecidrs  networking.k8s.io/v1 false ServiceCIDR',
  'runtimeclasses  node.k8s.io/v1 false RuntimeClass',
  'poddisruptionbudgets pdb policy/v1 true PodDisruptionBudget',
  'clusterrolebindings  rbac.authorization.k8s.io/v1 false ClusterRoleBinding',
  'clusterroles  rbac.authorization.k8s.io/v1 false ClusterRole',
  'rolebindings  rbac.authorization.k8s.io/v1 true RoleBinding',
  'roles  rbac.authorization.k8s.io/v1 true Role',
  'deviceclasses  resource.k8s.io/v1 false DeviceClass',
  'resourceclaims  resource.k8s.io/v1 true ResourceClaim',
  'resourceslices  resource.k8s.io/v1 false ResourceSlice',
  'priorityclasses pc scheduling.k8s.io/v1 false PriorityClass',
  'csidrivers  storage.k8s.io/v1 false CSIDriver',
  'csinodes  storage.k8s.io/v1 false CSINode',
  'csistoragecapacities  storage.k8s.io/v1 true CSIStorageCapacity',
  'storageclasses sc storage.k8s.io/v1 false StorageClass',
  'volumeattachments  storage.k8s.io/v1 false VolumeAttachment',
  'volumeattributesclasses vac storage.k8s.io/v1 false VolumeAttributesClass',
];

const VERBS = 'create,delete,deletecollection,get,list,patch,update,watch';

/** Rows of a table that may have empty cells, by the offsets of its header. */
function rows(table: string): string[][] {
  const [header = '', ...lines] = table.trimEnd().split('\n');
  const starts = [...header.matchAll(/\S+/g)].map((match) => match.index);
  return lines.map((line) => starts.map((start, i) => line.slice(start, starts[i + 1]).trim()));
}

describe.concurrent('kubectl and discovery', () => {
  it('api-resources: kinds, short names, verbs and categories', async () => {
    const table = rows(await cluster.kubectl.ok(['api-resources', '-o', 'wide', '--sort-by=name']));
    expect(table.length).toBeGreaterThanOrEqual(60);
    const printed = new Map(
      table.map(([name = '', shorts = '', version = '', namespaced = '', kind = '', verbs = '', categories = '']) => [
        `${name} ${shorts} ${version} ${namespaced} ${kind}`,
        { verbs, categories },
      ]),
    );
    for (const kind of KINDS) expect([...printed.keys()]).toContain(kind);
    const verbsOf = (kind: string): string | undefined => printed.get(kind)?.verbs;
    for (const kind of [
      'pods po v1 true Pod',
      'deployments deploy apps/v1 true Deployment',
      'leases  coordination.k8s.io/v1 true Lease',
    ]) {
      expect(verbsOf(kind)).toBe(VERBS);
    }
    expect(verbsOf('namespaces ns v1 false Namespace')).toBe('create,delete,get,list,patch,update,watch');
    expect(verbsOf('bindings  v1 true Binding')).toBe('create');
    expect(verbsOf('selfsubjectreviews  authentication.k8s.io/v1 false SelfSubjectReview')).toBe('create');
    for (const [line, category] of [
      ['pods po v1 true Pod', 'all'],
      ['services svc v1 true Service', 'all'],
      ['cronjobs cj batch/v1 true CronJob', 'all'],
      ['horizontalpodautoscalers hpa autoscaling/v2 true HorizontalPodAutoscaler', 'all'],
      ['apiservices  apiregistration.k8s.io/v1 false APIService', 'api-extensions'],
    ] as const) {
      expect(printed.get(line)?.categories).toBe(category);
    }
  });

  it('api-resources filtered', async () => {
    const { kubectl } = cluster;
    expect((await kubectl.ok(['api-resources', '--api-group=batch', '-o', 'name'])).trim().split('\n').sort()).toEqual([
      'cronjobs.batch',
      'jobs.batch',
    ]);
    expect(await kubectl.ok(['api-resources', '--namespaced=false', '-o', 'name'])).not.toMatch(/^pods$/m);
    expect((await kubectl.ok(['api-resources', '--categories=all', '-o', 'name'])).trim().split('\n')).toHaveLength(10);
    const json = await kubectl.json<{ resources: { name: string; kind: string }[] }>(['api-resources']);
    expect(json.resources).toContainEqual(expect.objectContaining({ name: 'pods', kind: 'Pod' }));
  });

  it('row 159: api-versions', async () => {
    const versions = (await cluster.kubectl.ok(['api-versions'])).trim().split('\n');
    expect(versions).toEqual(
      expect.arrayContaining([
        'v1',
        'apps/v1',
        'batch/v1',
        'autoscaling/v1',
        'autoscaling/v2',
        'policy/v1',
        'networking.k8s.io/v1',
        'rbac.authorization.k8s.io/v1',
        'events.k8s.io/v1',
      ]),
    );
    expect(versions).toEqual(versions.toSorted());
  });

  it('rows 93 and 169: version', async () => {
    const { clientVersion, serverVersion } = await cluster.kubectl.json<{
      clientVersion: object;
      serverVersion: Record<string, string>;
    }>(['version']);
    expect(clientVersion).toMatchObject({ major: '1' });
    expect(serverVersion).toMatchObject({
      major: '1',
      minor: '36',
      compiler: expect.any(String) as string,
      platform: expect.stringContaining('/') as string,
    });
    expect(serverVersion['gitVersion']).toMatch(/^v1\.36\.\d+/);
    for (const field of ['gitCommit', 'gitTreeState', 'buildDate', 'goVersion'])
      expect(serverVersion[field]).toEqual(expect.any(String));
    const text = await cluster.kubectl.ok(['version']);
    expect(text).toMatch(/^Client Version: v1\.\d+\.\d+\nKustomize Version: v\S+\nServer Version: v1\.36\.\d+\S*\n$/);
  });

  it('row 160: cluster-info, and its dump', async () => {
    const { server } = cluster;
    // eslint-disable-next-line no-control-regex
    const plain = (await cluster.kubectl.ok(['cluster-info'])).replace(/\u001b\[[0-9;]*m/g, '');
    expect(plain).toContain(`Kubernetes control plane is running at ${server}`);
    const { kubectl, namespace } = await cluster.scene('dump');
    await kubectl.apply(deployment('web'));
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=25s']);
    const dump = await kubectl.ok(['cluster-info', 'dump', '--namespaces', namespace]);
    expect(dump).toContain('"kind": "NodeList"');
    expect(dump).toContain('"kind": "DeploymentList"');
    expect(dump).toMatch(new RegExp(`==== START logs for container main of pod ${namespace}/web-`));
  });

  it('explain, of fields at any depth', async () => {
    const explain = (...args: string[]) => cluster.kubectl.ok(['explain', ...args]);
    const pod = await explain('pod');
    expect(pod).toMatch(/^KIND: {7}Pod\nVERSION: {4}v1\n\nDESCRIPTION:\n {4}Pod is a collection of containers/);
    expect(pod).toMatch(/^ {2}spec\t<PodSpec>$/m);
    const probe = await explain('deployment.spec.template.spec.containers.livenessProbe.httpGet.port');
    expect(probe).toMatch(/^GROUP: {6}apps\nKIND: {7}Deployment\nVERSION: {4}v1\n\nFIELD: port <IntOrString>/);
    expect(probe).toMatch(/DESCRIPTION:\n {4}\S.* port/);
    const policy = await explain('pod.spec.containers.imagePullPolicy');
    expect(policy).toMatch(/ENUM:\n {4}Always\n {4}IfNotPresent\n {4}Never\n/);
    expect(await explain('pods.spec.containers')).toMatch(
      /FIELD: containers <\[\]Container>[^]*^ {2}name\t<string> -required-$/m,
    );
    expect(await explain('configmap.data')).toMatch(/FIELD: data <map\[string\]string>/);
    expect(await explain('cronjob.spec.jobTemplate.spec', '--recursive')).toMatch(
      /^ {4}template\t<PodTemplateSpec> -required-$|^ {2}template\t<PodTemplateSpec> -required-$/m,
    );
    expect(await explain('hpa.spec', '--api-version=autoscaling/v1')).toContain('targetCPUUtilizationPercentage');
    expect(await explain('hpa.spec')).toContain('metrics\t<[]MetricSpec>');
    expect(await explain('networkpolicy.spec.ingress.from', '--output=plaintext-openapiv2')).toContain('ipBlock');
    expect(await cluster.kubectl.fails(['explain', 'pod.spec.nothing'])).toContain('field "nothing" does not exist');
    expect(await cluster.kubectl.fails(['explain', 'thing'])).toContain(
      'the server doesn\'t have a resource type "thing"',
    );
  });

  it('explain, of every kind there is', async () => {
    const names = (await cluster.kubectl.ok(['api-resources', '-o', 'name'])).trim().split('\n');
    const texts = await inTurn(names, (name) => cluster.kubectl.ok(['explain', ...asExplained(name)]));
    for (const [i, text] of texts.entries()) {
      expect(text, names[i]).toMatch(/^KIND: /m);
      expect(text, names[i]).toMatch(/DESCRIPTION:\n {4}\S/);
      expect(text, names[i]).toMatch(/^ {2}metadata\t<ObjectMeta>/m);
    }
  });
});

/** kubectl takes the first dot of `events.events.k8s.io` for the beginning of a field, where the core group has the same name. */
function asExplained(name: string): string[] {
  if (name === 'events.events.k8s.io') return ['event', '--api-version=events.k8s.io/v1'];
  const [, plural] = /^(nodes|pods)\.metrics\.k8s\.io$/.exec(name) ?? [];
  return plural === undefined ? [name] : [plural, '--api-version=metrics.k8s.io/v1beta1'];
}

/** A few at a time. */
async function inTurn<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let i = 0; i < items.length; i += 4) results.push(...(await Promise.all(items.slice(i, i + 4).map(run))));
  return results;
}
