import { describe, expect, test } from 'vitest';
import { testServer, type Answer, type TestServer } from './test-server.js';

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const APPLY = 'application/apply-patch+yaml';

interface Entry {
  manager: string;
  operation: string;
  apiVersion: string;
  time?: string;
  fieldsType: string;
  fieldsV1: Record<string, unknown>;
  subresource?: string;
}

async function ready(): Promise<TestServer> {
  const server = testServer();
  await server.request('POST', '/api/v1/namespaces', { metadata: { name: 'default' } });
  return server;
}

function apply(server: TestServer, path: string, manager: string, config: unknown, query = ''): Promise<Answer> {
  return server.request('PATCH', `${path}?fieldManager=${manager}${query}`, config, { 'content-type': APPLY });
}

function deployment(spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', ...metadata },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 80 }] }] },
      },
      ...spec,
    },
  };
}

function configMap(data: Record<string, string>, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', ...metadata }, data };
}

function entriesOf(answer: Answer): Entry[] {
  return answer.json.metadata.managedFields ?? [];
}

function managers(answer: Answer): string[] {
  return entriesOf(answer).map(({ manager, operation, subresource }) =>
    [manager, operation, subresource].filter(Boolean).join(' '),
  );
}

describe('what is owned', () => {
  test('a create is owned by the program that made it: with defaults, without what the server fills in', async () => {
    const server = await ready();
    const made = await server.request('POST', DEPLOYMENTS, deployment(), { 'user-agent': 'kubectl/v1.36.0 (linux)' });
    expect(entriesOf(made)).toEqual([
      {
        manager: 'kubectl',
        operation: 'Update',
        apiVersion: 'apps/v1',
        time: made.json.metadata.creationTimestamp,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:spec': {
            'f:progressDeadlineSeconds': {},
            'f:replicas': {},
            'f:revisionHistoryLimit': {},
            'f:selector': {},
            'f:strategy': {
              'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} },
              'f:type': {},
            },
            'f:template': {
              'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"web"}': {
                    '.': {},
                    'f:image': {},
                    'f:imagePullPolicy': {},
                    'f:name': {},
                    'f:ports': {
                      '.': {},
                      'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:protocol': {} },
                    },
                    ...(made.text.includes('"resources":{}') ? { 'f:resources': {} } : {}),
                    'f:terminationMessagePath': {},
                    'f:terminationMessagePolicy': {},
                  },
                },
                'f:dnsPolicy': {},
                'f:restartPolicy': {},
                'f:schedulerName': {},
                'f:securityContext': {},
                'f:terminationGracePeriodSeconds': {},
              },
            },
          },
        },
      },
    ]);
    expect(made.text).toContain('"fieldsV1":{"f:spec":{"f:progressDeadlineSeconds":{},"f:replicas":{}');
  });

  test('an apply owns what it states and nothing else; the first creates (201), the second does not write', async () => {
    const server = await ready();
    const made = await apply(
      server,
      `${DEPLOYMENTS}/web`,
      'me',
      deployment({ replicas: 2 }, { labels: { team: 'a' } }),
    );
    expect(made.status).toBe(201);
    expect(made.json.spec).toMatchObject({ replicas: 2, revisionHistoryLimit: 10 });
    expect(entriesOf(made)).toEqual([
      {
        manager: 'me',
        operation: 'Apply',
        apiVersion: 'apps/v1',
        time: made.json.metadata.creationTimestamp,
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:team': {} } },
          'f:spec': {
            'f:replicas': {},
            'f:selector': {},
            'f:template': {
              'f:metadata': { 'f:labels': { 'f:app': {} } },
              'f:spec': {
                'f:containers': {
                  'k:{"name":"web"}': {
                    '.': {},
                    'f:image': {},
                    'f:name': {},
                    'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
                  },
                },
              },
            },
          },
        },
      },
    ]);
    await server.clock.advance(5_000);
    const again = await apply(
      server,
      `${DEPLOYMENTS}/web`,
      'me',
      deployment({ replicas: 2 }, { labels: { team: 'a' } }),
    );
    expect(again.status).toBe(200);
    expect(again.text).toBe(made.text);
  });

  test('an update takes what it changes from others; a time changes only with what its manager owns', async () => {
    const server = await ready();
    const made = await apply(server, `${CONFIG_MAPS}/a`, 'me', configMap({ x: '1', y: '1' }));
    await server.clock.advance(5_000);
    const put = await server.request('PUT', `${CONFIG_MAPS}/a?fieldManager=other`, configMap({ x: '2', z: '1' }));
    const [mine, theirs] = entriesOf(put);
    expect(put.json.metadata.managedFields).toHaveLength(1);
    expect(mine).toMatchObject({
      manager: 'other',
      operation: 'Update',
      fieldsV1: { 'f:data': { 'f:x': {}, 'f:z': {} } },
    });
    expect(theirs).toBeUndefined();
    expect(mine?.time).not.toBe(entriesOf(made)[0]?.time);
    await server.clock.advance(5_000);
    const same = await server.request('PUT', `${CONFIG_MAPS}/a?fieldManager=third`, configMap({ x: '2', z: '1' }));
    expect(same.text).toBe(put.text);
    const removed = await server.request('PUT', `${CONFIG_MAPS}/a?fieldManager=third`, configMap({ x: '2' }));
    expect(entriesOf(removed)).toEqual([{ ...mine, fieldsV1: { 'f:data': { 'f:x': {} } } }]);
  });

  test('each kind of patch is a write of its manager', async () => {
    const server = await ready();
    await server.request('POST', `${CONFIG_MAPS}?fieldManager=maker`, configMap({ x: '1' }));
    const patch = (type: string, manager: string, body: unknown): Promise<Answer> =>
      server.request('PATCH', `${CONFIG_MAPS}/a?fieldManager=${manager}`, body, {
        'content-type': `application/${type}`,
      });
    await patch('merge-patch+json', 'merger', { data: { m: '1' } });
    await patch('strategic-merge-patch+json', 'strategist', { data: { s: '1' } });
    const answer = await patch('json-patch+json', 'patcher', [{ op: 'add', path: '/data/j', value: '1' }]);
    expect(entriesOf(answer).map(({ manager, fieldsV1 }) => [manager, fieldsV1])).toEqual(
      [
        ['maker', { 'f:data': { '.': {}, 'f:x': {} } }],
        ['merger', { 'f:data': { 'f:m': {} } }],
        ['patcher', { 'f:data': { 'f:j': {} } }],
        ['strategist', { 'f:data': { s: {} } }],
      ].map(([manager, fields]) => [manager, manager === 'strategist' ? { 'f:data': { 'f:s': {} } } : fields]),
    );
  });

  test('a manager is named by parameter, else by user agent, else unknown', async () => {
    const server = await ready();
    const name = async (query: string, agent?: string): Promise<string | undefined> => {
      const headers: Record<string, string> = agent === undefined ? {} : { 'user-agent': agent };
      const answer = await server.request('POST', `${CONFIG_MAPS}?dryRun=All${query}`, configMap({ x: '1' }), headers);
      return entriesOf(answer)[0]?.manager;
    };
    expect(await name('&fieldManager=given', 'agent/1')).toBe('given');
    expect(await name('', 'agent-x (linux)/1.2/3')).toBe('agent-x (linux)');
    expect(await name('', 'a\tb/1')).toBe('ab');
    expect(await name('', `${'x'.repeat(200)}/1`)).toBe('x'.repeat(128));
    expect(await name('')).toBe('unknown');
    expect(await name('', '/1')).toBe('unknown');
  });

  test('more than ten updating managers become ancient changes', async () => {
    const server = await ready();
    await server.request('POST', `${CONFIG_MAPS}?fieldManager=m0`, configMap({ k0: '1' }));
    for (let index = 1; index < 13; index++) {
      await server.clock.advance(1_000);
      const patch = { data: { [`k${index}`]: '1' } };
      await server.request('PATCH', `${CONFIG_MAPS}/a?fieldManager=m${index}`, patch, {
        'content-type': 'application/merge-patch+json',
      });
    }
    const answer = await server.request('GET', `${CONFIG_MAPS}/a`);
    expect(entriesOf(answer)).toHaveLength(10);
    expect(entriesOf(answer)[0]).toMatchObject({
      manager: 'ancient-changes',
      fieldsV1: { 'f:data': { '.': {}, 'f:k0': {}, 'f:k1': {}, 'f:k2': {}, 'f:k3': {} } },
    });
  });
});

describe('applying', () => {
  test('conflicts are refused with all of their fields; force takes them over', async () => {
    const server = await ready();
    await server.request('POST', `${DEPLOYMENTS}?fieldManager=creator`, deployment({ replicas: 1 }));
    await apply(server, `${DEPLOYMENTS}/web`, 'owner', deployment({ replicas: 1 }));
    const one = await apply(
      server,
      `${DEPLOYMENTS}/web`,
      'me',
      deployment({ paused: true, minReadySeconds: 3, replicas: 1 }),
    );
    expect(one.status).toBe(200);
    const two = await apply(server, `${DEPLOYMENTS}/web`, 'late', { ...deployment({ paused: false, replicas: 5 }) });
    expect(two.status).toBe(409);
    expect(two.json).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      reason: 'Conflict',
      code: 409,
      message:
        'Apply failed with 4 conflicts: conflicts with "me":\n- .spec.paused\n- .spec.replicas\nconflicts with "owner":\n- .spec.replicas\nconflicts with "creator" using apps/v1:\n- .spec.replicas',
      details: {
        causes: [
          { reason: 'FieldManagerConflict', message: 'conflict with "me"', field: '.spec.paused' },
          { reason: 'FieldManagerConflict', message: 'conflict with "me"', field: '.spec.replicas' },
          { reason: 'FieldManagerConflict', message: 'conflict with "owner"', field: '.spec.replicas' },
          { reason: 'FieldManagerConflict', message: 'conflict with "creator" using apps/v1', field: '.spec.replicas' },
        ],
      },
    });
    const forced = await apply(server, `${DEPLOYMENTS}/web`, 'late', deployment({ replicas: 5 }), '&force=true');
    expect(forced.json.spec.replicas).toBe(5);
    for (const { manager, fieldsV1 } of entriesOf(forced)) {
      expect('f:replicas' in (fieldsV1['f:spec'] as object), manager).toBe(manager === 'late');
    }
  });

  test('one conflict is told in one line', async () => {
    const server = await ready();
    await server.request('POST', `${CONFIG_MAPS}?fieldManager=other`, configMap({ x: '1' }));
    const answer = await apply(server, `${CONFIG_MAPS}/a`, 'me', configMap({ x: '2' }));
    expect(answer.json.message).toBe('Apply failed with 1 conflict: conflict with "other" using v1: .data.x');
  });

  test('what is shared stays when one gives it up and goes with the last; what nobody applied stays', async () => {
    const server = await ready();
    const path = `${CONFIG_MAPS}/a`;
    await apply(server, path, 'a', configMap({ x: '1', mine: '1' }));
    await apply(server, path, 'b', configMap({ x: '1' }));
    await server.request(
      'PATCH',
      `${path}?fieldManager=u`,
      { data: { update: '1' } },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    const first = await apply(server, path, 'a', configMap({}));
    expect(first.json.data).toEqual({ x: '1', update: '1' });
    const second = await apply(server, path, 'b', configMap({}));
    expect(second.json.data).toEqual({ update: '1' });
    expect(managers(second)).toEqual(['a Apply', 'b Apply', 'u Update']);
  });

  test('items of lists are added, changed, taken away and ordered by their keys', async () => {
    const server = await ready();
    const path = `${DEPLOYMENTS}/web`;
    const containers = (...list: object[]): object => ({
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: list } },
    });
    const web = {
      name: 'web',
      image: 'nginx:1',
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '1' },
      ],
    };
    await apply(server, path, 'a', deployment(containers(web)));
    const sidecar = { name: 'log', image: 'busybox' };
    const two = await apply(server, path, 'b', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web' },
      spec: { template: { spec: { containers: [sidecar] } } },
    });
    const names = (answer: Answer): string[] =>
      answer.json.spec.template.spec.containers.map(({ name }: { name: string }) => name);
    expect(names(two)).toEqual(['web', 'log']);
    const changed = {
      ...web,
      image: 'nginx:2',
      env: [
        { name: 'C', value: '1' },
        { name: 'B', value: '2' },
      ],
    };
    const three = await apply(server, path, 'a', deployment(containers({ name: 'first', image: 'x' }, changed)));
    expect(names(three)).toEqual(['first', 'web', 'log']);
    expect(three.json.spec.template.spec.containers[1]).toMatchObject({ image: 'nginx:2', env: changed.env });
    const four = await apply(server, path, 'a', deployment(containers(changed)));
    expect(names(four)).toEqual(['web', 'log']);
  });

  test('a first apply over an object whose managers are not known keeps apart what was there before', async () => {
    const server = await ready();
    const path = `${CONFIG_MAPS}/a`;
    await server.request('POST', CONFIG_MAPS, configMap({ x: '1', y: '1' }));
    for (const nothing of [[{}], []]) {
      const stripped = await server.request(
        'PATCH',
        path,
        { metadata: { managedFields: nothing } },
        {
          'content-type': 'application/merge-patch+json',
        },
      );
      expect(stripped.json.metadata.managedFields).toBeUndefined();
      const update = await server.request('PUT', `${path}?fieldManager=u`, configMap({ x: '1', y: '2' }));
      expect(update.json.metadata.managedFields).toBeUndefined();
      const refused = await apply(server, path, 'me', configMap({ x: '2' }));
      expect(refused.json.message).toBe(
        'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.x',
      );
      const applied = await apply(server, path, 'me', configMap({ x: '1' }));
      expect(managers(applied)).toEqual(['me Apply', 'before-first-apply Update']);
      await server.request('PUT', path, configMap({ x: '1', y: '1' }));
    }
  });

  test('managedFields may be rewritten by an update; what cannot be read leaves them as they are', async () => {
    const server = await ready();
    const made = await server.request('POST', `${CONFIG_MAPS}?fieldManager=a`, configMap({ x: '1' }));
    const [entry] = entriesOf(made);
    const put = (managedFields: unknown[]): Promise<Answer> =>
      server.request('PUT', `${CONFIG_MAPS}/a`, configMap({ x: '1' }, { managedFields }));
    const renamed = await put([{ ...entry, manager: 'b', fieldsV1: { 'f:data': { 'f:x': {}, '.': {} } } }]);
    expect(entriesOf(renamed)).toEqual([{ ...entry, manager: 'b' }]);
    expect((await put([{ ...entry, fieldsV1: { q: {} } }])).text).toBe(renamed.text);
    expect((await put([{ ...entry, fieldsType: 'Other' }])).status).toBe(200);
    expect((await server.request('GET', `${CONFIG_MAPS}/a`)).text).toBe(renamed.text);
  });

  test('kubectl takes over from its own client-side apply, and keeps up what that compares with', async () => {
    const server = await ready();
    const path = `${CONFIG_MAPS}/a`;
    const before = configMap({ x: '1', y: '1' });
    const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
    const annotations = { [annotation]: `${JSON.stringify(before)}\n` };
    await server.request(
      'POST',
      `${CONFIG_MAPS}?fieldManager=kubectl-client-side-apply`,
      configMap({ x: '1', y: '1' }, { annotations }),
    );
    await server.request(
      'PATCH',
      `${path}?fieldManager=u`,
      { data: { y: '2' } },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    expect((await apply(server, path, 'helm', configMap({ x: '2' }))).status).toBe(409);
    const refused = await apply(server, path, 'kubectl', configMap({ x: '2', y: '3' }));
    expect(refused.json.message).toBe('Apply failed with 1 conflict: conflict with "u" using v1: .data.y');
    const taken = await apply(server, path, 'kubectl', configMap({ x: '2' }));
    expect(taken.json.data).toEqual({ x: '2', y: '2' });
    expect(taken.json.metadata.annotations[annotation]).toBe(
      '{"apiVersion":"v1","data":{"x":"2"},"kind":"ConfigMap","metadata":{"name":"a"}}\n',
    );
    expect(managers(taken)).toEqual(['kubectl Apply', 'kubectl-client-side-apply Update', 'u Update']);
  });

  test('dry run shows what would be and writes nothing', async () => {
    const server = await ready();
    const path = `${CONFIG_MAPS}/a`;
    const dry = await apply(server, path, 'me', configMap({ x: '1' }), '&dryRun=All');
    expect(dry.status).toBe(201);
    expect(managers(dry)).toEqual(['me Apply']);
    expect((await server.request('GET', path)).status).toBe(404);
    const made = await apply(server, path, 'me', configMap({ x: '1' }));
    const changed = await apply(server, path, 'me', configMap({ x: '2' }), '&dryRun=All');
    expect(changed.json.data).toEqual({ x: '2' });
    expect((await server.request('GET', path)).text).toBe(made.text);
  });
});

describe('what is refused', () => {
  test('parameters', async () => {
    const server = await ready();
    const path = `${CONFIG_MAPS}/a`;
    const headers = { 'content-type': APPLY };
    const none = await server.request('PATCH', path, configMap({}), headers);
    expect(none.status).toBe(422);
    expect(none.json.message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
    const long = await apply(server, path, 'x'.repeat(129), configMap({}));
    expect(long.json.message).toContain('fieldManager: Too long: may not be more than 128 bytes');
    const odd = await apply(server, path, 'a%00', configMap({}));
    expect(odd.json.message).toContain('invalid character U+0000');
    const force = await server.request(
      'PATCH',
      `${path}?force=true`,
      {},
      { 'content-type': 'application/merge-patch+json' },
    );
    expect(force.json.message).toContain('force: Forbidden: may not be specified for non-apply patch');
  });

  test('configurations', async () => {
    const server = await ready();
    const path = `${DEPLOYMENTS}/web`;
    const said = async (config: unknown, query = ''): Promise<string> => {
      const answer = await apply(server, path, 'me', config, query);
      expect(answer.status).toBe(400);
      return answer.json.message;
    };
    expect(await said(configMap({}))).toBe('invalid object type: /v1, Kind=ConfigMap');
    expect(await said('a: [')).toContain('error decoding YAML: ');
    expect(await said('just text')).toContain('error decoding YAML: ');
    expect(await said(deployment({}, { managedFields: [] }))).toBe('metadata.managedFields must be nil');
    expect(await said(deployment({ replica: 1 }))).toBe(
      'failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema',
    );
    expect(await said(deployment({ replicas: 'x' }))).toBe(
      'failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string',
    );
    const template = { spec: { containers: [{ name: 'a' }, { name: 'a', image: 5 }] } };
    expect(await said(deployment({ template }, { namespace: 'default' }))).toBe(
      'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): errors:\n' +
        '  .spec.template.spec.containers: duplicate entries for key [name="a"]\n' +
        '  .spec.template.spec.containers[name="a"].image: expected string, got &value.valueUnstructured{Value:5}',
    );
    expect(await said(deployment({ replicas: 1.5 }))).toContain('cannot unmarshal number 1.5 into Go struct field');
    expect(await said(deployment({}, { name: 'other' }))).toContain('does not match the name on the URL');
    expect(await said(deployment({}, { namespace: 'other' }))).toContain(
      'the namespace of the provided object does not match',
    );
    const twice = 'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  name: web\n';
    expect(await said(twice, '&fieldValidation=Strict')).toContain('line 5: key "name" already set in map');
    expect((await server.request('GET', path)).status).toBe(404);
  });

  test('an object that does not pass validation, a stale version, another uid', async () => {
    const server = await ready();
    const path = `${CONFIG_MAPS}/a`;
    const wrong = await apply(server, `${DEPLOYMENTS}/web`, 'me', deployment({ replicas: -1 }));
    expect(wrong.status).toBe(422);
    const uid = await apply(server, path, 'me', configMap({}, { uid: 'x' }));
    expect(uid.status).toBe(409);
    expect(uid.json.message).toContain(
      'uid mismatch: the provided object specified uid x, and no existing object was found',
    );
    const made = await apply(server, path, 'me', configMap({ x: '1' }));
    const { resourceVersion } = made.json.metadata;
    const fresh = await apply(server, path, 'me', configMap({ x: '2' }, { resourceVersion }));
    expect(fresh.status).toBe(200);
    const stale = await apply(server, path, 'me', configMap({ x: '3' }, { resourceVersion }));
    expect(stale.status).toBe(409);
    expect(stale.json.message).toContain('the object has been modified');
  });

  test('creating by apply needs the right to create', async () => {
    const server = testServer({
      authorizer: {
        authorize: async ({ verb }) => ({ allowed: verb !== 'create', reason: '' }),
      },
    });
    const answer = await apply(server, '/api/v1/namespaces/x', 'me', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'x' },
    });
    expect(answer.status).toBe(403);
    expect(answer.json.message).toContain('cannot create resource "namespaces"');
  });
});

describe('subresources', () => {
  const condition = { type: 'Progressing', status: 'True', reason: 'x', message: 'm' };

  test('the status is applied on its own; the object and its status leave each other alone', async () => {
    const server = await ready();
    const path = `${DEPLOYMENTS}/web`;
    const head = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } };
    expect((await apply(server, `${path}/status`, 'c', { ...head, status: { replicas: 3 } })).status).toBe(404);
    await apply(server, path, 'me', { ...deployment({ replicas: 2 }), status: { replicas: 7 } });
    const answer = await apply(server, `${path}/status`, 'controller', {
      ...head,
      spec: { replicas: 9 },
      status: { replicas: 3, conditions: [condition] },
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ spec: { replicas: 2 }, status: { replicas: 3, conditions: [condition] } });
    expect(entriesOf(answer)[0]).toMatchObject({
      manager: 'controller',
      subresource: 'status',
      fieldsV1: {
        'f:status': {
          'f:conditions': {
            'k:{"type":"Progressing"}': { '.': {}, 'f:message': {}, 'f:reason': {}, 'f:status': {}, 'f:type': {} },
          },
          'f:replicas': {},
        },
      },
    });
    const conflict = await apply(server, `${path}/status`, 'other', { ...head, status: { replicas: 4 } });
    expect(conflict.json.message).toBe(
      'Apply failed with 1 conflict: conflict with "controller" with subresource "status": .status.replicas',
    );
    const put = await server.request('PUT', `${path}/status?fieldManager=u`, {
      ...answer.json,
      status: { replicas: 5 },
    });
    expect(managers(put)).toEqual(['me Apply', 'u Update status']);
    const main = await apply(server, path, 'me', { ...deployment({ replicas: 2 }), status: { replicas: 8 } });
    expect(main.text).toBe(put.text);
  });

  test('row 123: the status of a job is owned through its own subresource', async () => {
    const server = await ready();
    const jobs = '/apis/batch/v1/namespaces/default/jobs';
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } };
    await server.request('POST', jobs, { metadata: { name: 'j' }, spec: { template } });
    const status = { startTime: '2026-01-01T00:00:00Z', active: 1 };
    const patched = await server.request(
      'PATCH',
      `${jobs}/j/status?fieldManager=p`,
      { status },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    expect(patched.json.status).toMatchObject(status);
    expect(entriesOf(patched)).toContainEqual(
      expect.objectContaining({
        manager: 'p',
        subresource: 'status',
        fieldsV1: { 'f:status': { 'f:active': {}, 'f:startTime': {} } },
      }),
    );
    expect((await server.request('GET', `${jobs}/j/status`)).text).toBe(patched.text);
  });

  test('scale: by update and by apply, with conflicts, and without a time of its own', async () => {
    const server = await ready();
    const path = `${DEPLOYMENTS}/web`;
    await apply(server, path, 'me', deployment({ replicas: 2 }));
    const scale = (replicas: number): object => ({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas },
    });
    const refused = await apply(server, `${path}/scale`, 'scaler', scale(5));
    expect(refused.json.message).toBe('Apply failed with 1 conflict: conflict with "me": .spec.replicas');
    const same = await apply(server, `${path}/scale`, 'scaler', scale(2));
    expect(same.json).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } });
    const shared = await server.request('GET', path);
    const entry = {
      manager: 'scaler',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      fieldsType: 'FieldsV1',
      fieldsV1: { 'f:spec': { 'f:replicas': {} } },
      subresource: 'scale',
    };
    expect(entriesOf(shared)).toContainEqual(entry);
    expect((await apply(server, `${path}/scale`, 'scaler', scale(5), '&force=true')).status).toBe(200);
    const taken = await server.request('GET', path);
    expect(taken.json.spec.replicas).toBe(5);
    const mine = entriesOf(taken).find(({ manager }) => manager === 'me') as Entry;
    expect(mine.fieldsV1['f:spec']).not.toHaveProperty('f:replicas');
    await server.request('PUT', `${path}/scale?fieldManager=hpa`, scale(7));
    const updated = await server.request('GET', path);
    expect(managers(updated)).toEqual(['me Apply', 'hpa Update scale']);
    expect(entriesOf(updated)[1]).toEqual({ ...entry, manager: 'hpa', operation: 'Update' });
    expect((await apply(server, `${path}/scale`, 'x', { ...scale(1), kind: 'Deployment' })).status).toBe(400);
    const back = await apply(server, path, 'me', deployment({ replicas: 2 }));
    expect(back.json.message).toBe(
      'Apply failed with 1 conflict: conflict with "hpa" with subresource "scale" using apps/v1: .spec.replicas',
    );
  });

  test('row 63: a finalizer of a namespace is added and taken away through finalize', async () => {
    const server = await ready();
    const path = '/api/v1/namespaces/default';
    const config = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'default', labels: { not: 'taken' } },
      spec: { finalizers: ['example.com/a', 'kubernetes'] },
    };
    const applied = await apply(server, `${path}/finalize`, 'f', config, '&force=true');
    expect(applied.json.spec.finalizers).toContain('example.com/a');
    expect(applied.json.metadata.labels).not.toHaveProperty('not');
    expect(entriesOf(applied)).toContainEqual(
      expect.objectContaining({
        manager: 'f',
        subresource: 'finalize',
        fieldsV1: { 'f:spec': { 'f:finalizers': {} } },
      }),
    );
    const without = { ...applied.json, spec: { finalizers: ['kubernetes'] } };
    const put = await server.request('PUT', `${path}/finalize?fieldManager=u`, without);
    expect(put.json.spec.finalizers).toEqual(['kubernetes']);
    expect(managers(put)).toContain('u Update finalize');
  });

  test.each([
    ['row 64', '/api/v1/namespaces', 'v1', 'Namespace', {}, { phase: 'Active' }],
    [
      'row 65',
      '/api/v1/namespaces',
      'v1',
      'Namespace',
      {},
      { conditions: [{ type: 'T', status: 'True', message: 'm', reason: 'r' }] },
    ],
    [
      'row 69',
      '/api/v1/namespaces/default/resourcequotas',
      'v1',
      'ResourceQuota',
      { hard: { pods: '5' } },
      { hard: { pods: '5' } },
    ],
    [
      'row 362',
      '/api/v1/persistentvolumes',
      'v1',
      'PersistentVolume',
      { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/a' } },
      { message: 'm' },
    ],
    [
      'row 362',
      '/api/v1/namespaces/default/persistentvolumeclaims',
      'v1',
      'PersistentVolumeClaim',
      { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      { conditions: [{ type: 'T', status: 'True', message: 'm', reason: 'r' }] },
    ],
    [
      'row 407',
      '/apis/storage.k8s.io/v1/volumeattachments',
      'storage.k8s.io/v1',
      'VolumeAttachment',
      { attacher: 'a', nodeName: 'n', source: { persistentVolumeName: 'p' } },
      { attached: true },
    ],
  ])(
    '%s: the status under %s is applied, patched, updated and read',
    async (_row, path, apiVersion, kind, spec, status) => {
      const server = await ready();
      const head = { apiVersion, kind, metadata: { name: 'one' } };
      expect((await apply(server, `${path}/one`, 'me', { ...head, spec })).status).toBe(201);
      const applied = await apply(server, `${path}/one/status`, 'ctl', { ...head, status }, '&force=true');
      expect(applied.status, applied.text).toBe(200);
      expect(applied.json.status).toMatchObject(status);
      expect(managers(applied)).toContain('ctl Apply status');
      const patched = await server.request(
        'PATCH',
        `${path}/one/status`,
        { metadata: { annotations: { a: 'b' } }, status },
        {
          'content-type': 'application/merge-patch+json',
        },
      );
      expect(patched.json.metadata.annotations).toEqual({ a: 'b' });
      const put = await server.request('PUT', `${path}/one/status?fieldManager=u`, {
        ...patched.json,
        metadata: { ...patched.json.metadata, annotations: { a: 'c' } },
      });
      expect(put.json.metadata.annotations).toEqual({ a: 'c' });
      expect(managers(put)).toContain('u Update status');
      expect(put.json.spec).toEqual(applied.json.spec);
      expect((await server.request('GET', `${path}/one/status`)).text).toBe(put.text);
      const main = await server.request('PUT', `${path}/one?fieldManager=w`, {
        ...put.json,
        metadata: { ...put.json.metadata, labels: { l: 'x' } },
        status: {},
      });
      expect(main.json).toMatchObject({ metadata: { labels: { l: 'x' } }, status });
    },
  );
});

describe('versions', () => {
  test('managers of several versions keep their fields in their own; conflicts are found across them', async () => {
    const server = await ready();
    const at = (version: string): string =>
      `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers/h`;
    const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
    const head = (version: string): object => ({
      apiVersion: `autoscaling/${version}`,
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'h' },
    });
    const one = await apply(server, at('v1'), 'old', {
      ...head('v1'),
      spec: { maxReplicas: 5, scaleTargetRef: target, targetCPUUtilizationPercentage: 50 },
    });
    expect(one.status, one.text).toBe(201);
    const metric = (averageUtilization: number): object => ({
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
    });
    const same = { maxReplicas: 5, scaleTargetRef: target, metrics: [metric(50)] };
    const two = await apply(server, at('v2'), 'new', { ...head('v2'), spec: same });
    expect(two.status, two.text).toBe(200);
    expect(
      entriesOf(two)
        .map(({ manager, apiVersion }) => `${manager} ${apiVersion}`)
        .toSorted(),
    ).toEqual(['new autoscaling/v2', 'old autoscaling/v1']);
    const refused = await apply(server, at('v2'), 'new', { ...head('v2'), spec: { ...same, metrics: [metric(80)] } });
    expect(refused.json.message).toBe(
      'Apply failed with 1 conflict: conflict with "old": .spec.targetCPUUtilizationPercentage',
    );
    const forced = await apply(
      server,
      at('v2'),
      'new',
      { ...head('v2'), spec: { ...same, metrics: [metric(80)] } },
      '&force=true',
    );
    expect(forced.json.spec.metrics[0].resource.target.averageUtilization).toBe(80);
    const old = entriesOf(forced).find(({ manager }) => manager === 'old');
    expect(old?.fieldsV1).toEqual({ 'f:spec': { 'f:maxReplicas': {}, 'f:scaleTargetRef': {} } });
    const moved = await apply(server, at('v2'), 'old', {
      ...head('v2'),
      spec: { maxReplicas: 5, scaleTargetRef: target },
    });
    expect(managers(moved)).toEqual(['new Apply', 'old Apply']);
  });
});
