import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { V1ConfigMap, V1Deployment } from '../../lib/schema/generated/types.js';
import { editing } from './editor.js';
import { deployment, type Manifest } from './manifests.js';
import { toStream, type Kubectl } from '../support/kubectl.js';
import { useCluster } from '../support/e2e.js';

const cluster = useCluster();

const configMap = (data: Record<string, string>, metadata: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'config', ...metadata },
  data,
});

function serverSide(kubectl: Kubectl, manifest: Manifest, ...flags: string[]): Promise<string> {
  return kubectl.ok(['apply', '--server-side', ...flags, '-f', '-'], { input: toStream([manifest]) });
}

async function managers(kubectl: Kubectl, object: string): Promise<string[]> {
  const text = '{range .metadata.managedFields[*]}{.manager} {.operation} {.subresource}{"\\n"}{end}';
  const said = await kubectl.path(['get', ...object.split(' '), '--show-managed-fields'], text);
  return said
    .trim()
    .split('\n')
    .map((line) => line.trim())
    .toSorted();
}

describe.concurrent('kubectl apply --server-side', () => {
  it('creates, leaves as it is, changes and removes', async () => {
    const { kubectl } = await cluster.scene();
    const web = deployment('web', { replicas: 2 });
    expect(await serverSide(kubectl, web)).toBe('deployment.apps/web serverside-applied\n');
    await kubectl.ok(['rollout', 'status', 'deployment/web', '--timeout=40s']);
    const before = await kubectl.json<V1Deployment>(['get', 'deployment', 'web']);
    expect(await serverSide(kubectl, web)).toBe('deployment.apps/web serverside-applied\n');
    const after = await kubectl.json<V1Deployment>(['get', 'deployment', 'web']);
    expect(after.metadata?.resourceVersion).toBe(before.metadata?.resourceVersion);
    const smaller = deployment('web', { replicas: 1 });
    delete smaller.metadata.labels;
    await serverSide(kubectl, smaller);
    expect(await kubectl.path(['get', 'deployment', 'web'], '{.spec.replicas} {.metadata.labels}')).toBe('1 ');
    expect(await managers(kubectl, 'deployment web')).toEqual([
      'kube-controller-manager Update status',
      'kubectl Apply',
    ]);
  });

  it('conflicts name the manager and the field; --force-conflicts takes over; managers are given by name', async () => {
    const { kubectl } = await cluster.scene();
    await serverSide(kubectl, configMap({ a: '1', b: '1' }), '--field-manager=first');
    const input = toStream([configMap({ a: '2' })]);
    const refusal = await kubectl.fails(['apply', '--server-side', '--field-manager=second', '-f', '-'], { input });
    expect(refusal).toContain('Apply failed with 1 conflict: conflict with "first": .data.a');
    expect(refusal).toContain('--force-conflicts');
    await serverSide(kubectl, configMap({ a: '2' }), '--field-manager=second', '--force-conflicts');
    expect(await kubectl.path(['get', 'configmap', 'config'], '{.data}')).toBe('{"a":"2","b":"1"}');
    await kubectl.ok(['patch', 'configmap', 'config', '--field-manager=third', '-p', '{"data":{"c":"3"}}']);
    expect(await managers(kubectl, 'configmap config')).toEqual(['first Apply', 'second Apply', 'third Update']);
    const typo = { ...configMap({}), dta: {} };
    const wrong = await kubectl.fails(['apply', '--server-side', '--validate=false', '-f', '-'], {
      input: toStream([typo]),
    });
    expect(wrong).toContain('.dta: field not declared in schema');
  });

  it('managed fields are shown only when asked for; an editor does not see them', async () => {
    const { kubectl } = await cluster.scene();
    await serverSide(kubectl, configMap({ a: '1' }));
    expect(await kubectl.ok(['get', 'configmap', 'config', '-o', 'yaml'])).not.toContain('managedFields');
    const shown = await kubectl.ok(['get', 'configmap', 'config', '-o', 'yaml', '--show-managed-fields']);
    expect(shown).toContain('f:data:');
    const env = editing(cluster.folder(), /a: "1"/, 'a: "2"');
    await kubectl.ok(['edit', 'configmap', 'config', '--field-manager=hand'], { env });
    expect(await kubectl.path(['get', 'configmap', 'config'], '{.data.a}')).toBe('2');
    expect(await managers(kubectl, 'configmap config')).toEqual(['hand Update']);
  });

  it('goes on where client-side apply left off, and back', async () => {
    const { kubectl } = await cluster.scene();
    await kubectl.apply(configMap({ a: '1', b: '1' }));
    expect(await managers(kubectl, 'configmap config')).toEqual(['kubectl-client-side-apply Update']);
    await serverSide(kubectl, configMap({ a: '2' }));
    expect(await managers(kubectl, 'configmap config')).not.toContain('kubectl-client-side-apply Update');
    expect((await kubectl.json<V1ConfigMap>(['get', 'configmap', 'config'])).data).toEqual({ a: '2' });
    expect(await kubectl.apply(configMap({ a: '3' }))).toBe('configmap/config configured\n');
    expect((await kubectl.json<V1ConfigMap>(['get', 'configmap', 'config'])).data).toEqual({ a: '3' });
  });

  it('diff --server-side and dry runs show what would change and change nothing', async () => {
    const { kubectl } = await cluster.scene();
    await serverSide(kubectl, configMap({ a: '1' }));
    const input = toStream([configMap({ a: '2' })]);
    const { code, stdout } = await kubectl.run(['diff', '--server-side', '-f', '-'], { input });
    expect(code).toBe(1);
    expect(stdout).toMatch(/^-\s+a: "1"$/m);
    expect(stdout).toMatch(/^\+\s+a: "2"$/m);
    expect(await serverSide(kubectl, configMap({ a: '2' }), '--dry-run=server')).toContain('(server dry run)');
    expect(await kubectl.path(['get', 'configmap', 'config'], '{.data.a}')).toBe('1');
  });

  it('scale and status are written through their own subresources', async () => {
    const { kubectl } = await cluster.scene();
    await serverSide(kubectl, deployment('web', { replicas: 1 }));
    await kubectl.ok(['scale', 'deployment', 'web', '--replicas=2']);
    expect(await managers(kubectl, 'deployment web')).toContain('kubectl Update scale');
    const input = toStream([deployment('web', { replicas: 1 })]);
    const refusal = await kubectl.fails(['apply', '--server-side', '-f', '-'], { input });
    expect(refusal).toContain('conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas');
    const status = path.join(cluster.folder(), 'status.yaml');
    writeFileSync(
      status,
      toStream([
        { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c' }, status: { phase: 'Lost' } },
      ]),
    );
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'c' } };
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    await serverSide(kubectl, { ...claim, spec });
    await kubectl.ok(['apply', '--server-side', '--force-conflicts', '--subresource=status', '-f', status]);
    expect(await managers(kubectl, 'pvc c')).toContain('kubectl Apply status');
  });
});
