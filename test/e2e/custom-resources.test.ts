import { describe, expect, it } from 'vitest';
import { definitionOf, objectOf } from '../../functions/apiserver/custom/test-definitions.js';
import { useCluster } from '../support/e2e.js';
import type { Manifest } from './manifests.js';

const cluster = useCluster();

const SCHEMA = {
  type: 'object',
  properties: {
    spec: {
      description: 'What is wanted of the tab.',
      type: 'object',
      required: ['image'],
      properties: {
        image: { description: 'What it runs.', type: 'string' },
        replicas: { type: 'integer', minimum: 0, default: 1 },
      },
      'x-kubernetes-validations': [{ rule: 'self.replicas <= 5', message: 'at most five' }],
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' } } },
  },
};

describe.concurrent('custom resources with kubectl', () => {
  it('are defined, applied, shown, explained, patched, scaled and deleted', async () => {
    const { kubectl } = await cluster.scene();
    const definition = definitionOf({
      group: 'e2e.example.com',
      schema: SCHEMA,
      names: { shortNames: ['ct'], categories: ['all'] },
      version: {
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
        additionalPrinterColumns: [
          { name: 'Image', type: 'string', jsonPath: '.spec.image' },
          { name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas' },
        ],
      },
    }) as unknown as Manifest;
    const tab = (spec: object): Manifest =>
      objectOf('tab', { spec }, { apiVersion: 'e2e.example.com/v1' }) as unknown as Manifest;
    expect(await kubectl.apply(definition)).toBe(
      'customresourcedefinition.apiextensions.k8s.io/crontabs.e2e.example.com created\n',
    );
    await kubectl.ok(['wait', '--for=condition=Established', 'crd/crontabs.e2e.example.com', '--timeout=10s']);
    expect(await kubectl.apply(tab({ image: 'x' }))).toBe('crontab.e2e.example.com/tab created\n');
    expect(await kubectl.apply(tab({ image: 'x' }))).toBe('crontab.e2e.example.com/tab unchanged\n');
    expect((await kubectl.ok(['get', 'crontabs'])).replace(/ +/g, ' ')).toBe('NAME IMAGE REPLICAS\ntab x 1\n');
    expect(await kubectl.ok(['get', 'ct', '-o', 'name'])).toBe('crontab.e2e.example.com/tab\n');
    expect(await kubectl.ok(['get', 'all', '-o', 'name'])).toContain('crontab.e2e.example.com/tab');

    const explained = await kubectl.ok(['explain', 'crontab.spec.image']);
    expect(explained).toContain('FIELD: image <string>');
    expect(explained).toContain('What it runs.');
    const spec = await kubectl.ok(['explain', 'ct.spec']);
    expect(spec).toContain('What is wanted of the tab.');
    expect(spec).toMatch(/image\s+<string> -required-/);
    expect(await kubectl.ok(['explain', 'ct.metadata'])).toContain('Standard object');

    await kubectl.ok(['patch', 'ct', 'tab', '--type=merge', '-p', '{"spec":{"image":"y"}}']);
    await kubectl.ok(['scale', 'ct', 'tab', '--replicas=4']);
    expect(await kubectl.path(['get', 'ct', 'tab'], '{.spec.image} {.spec.replicas}')).toBe('y 4');
    await kubectl.ok(['patch', 'ct', 'tab', '--subresource=status', '--type=merge', '-p', '{"status":{"replicas":4}}']);
    expect(await kubectl.path(['get', 'ct', 'tab'], '{.status.replicas}')).toBe('4');
    const refused = await kubectl.run(['patch', 'ct', 'tab', '--type=merge', '-p', '{"spec":{"replicas":6}}']);
    expect(refused.stderr).toContain('spec: Invalid value: at most five');
    const unknown = await kubectl.run(['apply', '-f', '-'], { input: JSON.stringify(tab({ image: 'x', nope: 1 })) });
    expect(unknown.stderr).toContain('unknown field "spec.nope"');
    await kubectl.ok(['apply', '--server-side', '--force-conflicts', '-f', '-'], {
      input: JSON.stringify(tab({ image: 'z' })),
    });
    expect(await kubectl.path(['get', 'ct', 'tab'], '{.spec.image}')).toBe('z');

    await kubectl.ok(['delete', 'crd', 'crontabs.e2e.example.com', '--timeout=20s']);
    expect((await kubectl.run(['get', 'crontabs.e2e.example.com'])).stderr).toContain(
      "the server doesn't have a resource type",
    );
  });
});
