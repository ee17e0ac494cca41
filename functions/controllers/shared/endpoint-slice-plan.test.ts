import { describe, expect, test } from 'vitest';
import type { V1Endpoint, V1EndpointSlice } from '../../../lib/schema/generated/types.js';
import { planSlices, type SlicePlan } from './endpoint-slice-plan.js';

const PORTS = [{ name: 'http', port: 80, protocol: 'TCP' }];

function endpoint(index: number, ready = true): V1Endpoint {
  return {
    addresses: [`10.0.${index >> 8}.${index & 255}`],
    conditions: { ready },
    targetRef: { kind: 'Pod', namespace: 'default', name: `pod-${index}` },
  };
}

function endpoints(from: number, to: number): V1Endpoint[] {
  return Array.from({ length: to - from }, (_, index) => endpoint(from + index));
}

function template(labels: Record<string, string> = { app: 'web' }): V1EndpointSlice {
  return { metadata: { generateName: 'web-', labels }, addressType: 'IPv4', endpoints: [] };
}

function slice(name: string, content: V1Endpoint[], ports = PORTS): V1EndpointSlice {
  return { ...template(), metadata: { ...template().metadata, name }, ports, endpoints: content };
}

function plan(existing: V1EndpointSlice[], wanted: V1Endpoint[], labels?: Record<string, string>): SlicePlan {
  const groups = [{ ports: PORTS, endpoints: wanted }];
  return planSlices({ existing, groups, template: template(labels), placeholder: true });
}

function summary({ create, update, remove }: SlicePlan): unknown {
  const sizes = (slices: V1EndpointSlice[]): string[] =>
    slices.map(({ metadata, endpoints: all }) => `${metadata?.name ?? 'new'}:${all?.length ?? 0}`);
  return { create: sizes(create), update: sizes(update), remove: sizes(remove) };
}

describe('planning slices', () => {
  test('fills new slices to the limit', () => {
    expect(summary(plan([], endpoints(0, 250)))).toEqual({
      create: ['new:100', 'new:100', 'new:50'],
      update: [],
      remove: [],
    });
  });

  test('writes nothing when nothing has changed', () => {
    const existing = [slice('a', endpoints(0, 100)), slice('b', endpoints(100, 120))];
    expect(summary(plan(existing, endpoints(0, 120)))).toEqual({ create: [], update: [], remove: [] });
  });

  test('writes only the slice of a changed endpoint, and adds new ones there', () => {
    const existing = [slice('a', endpoints(0, 90)), slice('b', endpoints(90, 120))];
    const wanted = [...endpoints(0, 119), endpoint(119, false), endpoint(120)];
    expect(summary(plan(existing, wanted))).toEqual({ create: [], update: ['b:31'], remove: [] });
  });

  test('puts what is new into the fullest slice that takes all of it', () => {
    const existing = [slice('a', endpoints(0, 10)), slice('b', endpoints(10, 100)), slice('c', endpoints(100, 199))];
    expect(summary(plan(existing, endpoints(0, 202)))).toEqual({ create: [], update: ['b:93'], remove: [] });
  });

  test('removes slices that are empty', () => {
    const existing = [slice('a', endpoints(0, 100)), slice('b', endpoints(100, 120))];
    expect(summary(plan(existing, endpoints(0, 100)))).toEqual({ create: [], update: [], remove: ['b:20'] });
  });

  test('takes labels over', () => {
    const existing = [slice('a', endpoints(0, 10))];
    const changed = plan(existing, endpoints(0, 10), { app: 'other' });
    expect(changed.update.map(({ metadata }) => metadata?.labels)).toEqual([{ app: 'other' }]);
  });

  test('turns the last slice into the placeholder and back', () => {
    const emptied = plan([slice('a', endpoints(0, 10))], []);
    expect(summary(emptied)).toEqual({ create: [], update: ['a:0'], remove: [] });
    expect(emptied.update[0]?.ports).toEqual([]);
    const placeholder = slice('a', [], []);
    expect(summary(plan([placeholder], []))).toEqual({ create: [], update: [], remove: [] });
    const filled = plan([placeholder], endpoints(0, 5));
    expect(summary(filled)).toEqual({ create: [], update: ['a:5'], remove: [] });
    expect(filled.update[0]?.ports).toEqual(PORTS);
  });

  test('shows an endpoint once, whatever a repeated write has left', () => {
    const existing = [slice('a', endpoints(0, 10)), slice('b', endpoints(0, 10))];
    expect(summary(plan(existing, endpoints(0, 10)))).toEqual({ create: [], update: [], remove: ['b:10'] });
  });
});
