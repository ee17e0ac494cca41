import { describe, expect, test } from 'vitest';
import { kindTester } from '../testing/kind-tester.js';
import { flowSchema } from './flow-schema.js';
import { priorityLevelConfiguration } from './priority-level-configuration.js';

const metadata = { name: 'mine' };

describe('flow schemas', () => {
  const tester = kindTester(flowSchema);
  const spec = { priorityLevelConfiguration: { name: 'global-default' } };
  const user = { kind: 'User', user: { name: 'jane' } };
  const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] };
  const rule = (more: object): object => ({
    ...spec,
    rules: [{ subjects: [user], resourceRules: [everything], ...more }],
  });

  test('defaults and columns', () => {
    expect(tester.create({ metadata, spec })).toMatchObject({ spec: { matchingPrecedence: 1000 } });
    const status = { conditions: [{ type: 'Dangling', status: 'False' }] };
    expect(tester.cells({ metadata, spec, status })).toMatchObject({
      PriorityLevel: 'global-default',
      MatchingPrecedence: 1000,
      DistinguisherMethod: '<none>',
      MissingPL: 'False',
    });
  });

  test.each<[object, string[]]>([
    [rule({}), []],
    [
      { ...spec, matchingPrecedence: 1 },
      ["spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1"],
    ],
    [
      { ...spec, matchingPrecedence: 20000 },
      ['spec.matchingPrecedence: Invalid value: 20000: must not be greater than 10000'],
    ],
    [
      { priorityLevelConfiguration: {} },
      ['spec.priorityLevelConfiguration.name: Required value: must reference a priority level'],
    ],
    [
      rule({ resourceRules: [{ ...everything, verbs: ['*', 'get'], namespaces: [] }] }),
      [
        'spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must not specify other verbs',
        'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
      ],
    ],
    [
      rule({ subjects: [{ kind: 'Group', user: { name: 'jane' } }] }),
      [
        "spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'",
        "spec.rules[0].subjects[0].group: Required value: group is required when subject kind is 'Group'",
      ],
    ],
    [
      rule({ resourceRules: [], nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/a//b', '/*/x'] }] }),
      [
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: "/a//b": must not contain double slash',
        'spec.rules[0].nonResourceRules[0].nonResourceURLs[1]: Invalid value: "/*/x": wildcard can only do suffix matching',
      ],
    ],
  ])('validation of %j', (given, errors) => {
    expect(tester.createErrors({ metadata, spec: given })).toEqual(errors);
  });
});

describe('priority levels', () => {
  const tester = kindTester(priorityLevelConfiguration);
  const limited = (more: object): object => ({
    type: 'Limited',
    limited: { limitResponse: { type: 'Queue', queuing: more } },
  });

  test('defaults and columns', () => {
    expect(tester.create({ metadata, spec: limited({}) })).toMatchObject({
      spec: {
        limited: {
          nominalConcurrencyShares: 30,
          lendablePercent: 0,
          limitResponse: { queuing: { queues: 64, handSize: 8, queueLengthLimit: 50 } },
        },
      },
    });
    expect(tester.cells({ metadata, spec: limited({}) })).toMatchObject({
      Type: 'Limited',
      NominalConcurrencyShares: 30,
      Queues: 64,
      HandSize: 8,
      QueueLengthLimit: 50,
    });
    expect(tester.cells({ metadata, spec: { type: 'Exempt' } })).toMatchObject({ Queues: '<none>' });
  });

  test.each<[object, string[]]>([
    [limited({}), []],
    [
      limited({ queues: 4, handSize: 5 }),
      ['spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)'],
    ],
    [
      limited({ queues: 512, handSize: 8 }),
      [
        'spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60',
      ],
    ],
    [{ type: 'Limited' }, ['spec.limited: Required value: must not be empty when type is Limited']],
    [{ type: 'Exempt' }, ["spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'"]],
    [{ type: 'Unlimited' }, ['spec.type: Unsupported value: "Unlimited": supported values: "Exempt", "Limited"']],
  ])('validation of %j', (spec, errors) => {
    expect(tester.createErrors({ metadata, spec })).toEqual(errors);
  });
});
