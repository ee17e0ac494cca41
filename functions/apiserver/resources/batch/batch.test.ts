import { describe, expect, test } from 'vitest';
import type { V1CronJob, V1Job } from '../../../../lib/schema/generated/types.js';
import { kindTester } from '../testing/kind-tester.js';
import { cronScheduleFault } from './cron-schedule.js';
import { cronJob } from './cron-job.js';
import { countIndexes } from './index-intervals.js';
import { job } from './job.js';

const metadata = { name: 'pi', namespace: 'default', uid: 'u1', creationTimestamp: '1970-01-01T00:00:00Z' };
const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'perl:5' }] } };
const spec = { template };
const GENERATED = {
  'batch.kubernetes.io/controller-uid': 'u1',
  'batch.kubernetes.io/job-name': 'pi',
  'controller-uid': 'u1',
  'job-name': 'pi',
};

describe('jobs', () => {
  const tester = kindTester<V1Job>(job);
  const errorsOf = (given: object): string[] => tester.createErrors({ metadata, spec: given });

  test('defaults and generated labels', () => {
    const created = tester.create({ metadata, spec });
    expect(created.spec).toMatchObject({
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: 'TerminatingOrFailed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u1' } },
      template: { metadata: { labels: GENERATED } },
    });
    expect(created.metadata?.labels).toEqual(GENERATED);
    expect(tester.create({ metadata, spec: { ...spec, completions: 5 } }).spec?.parallelism).toBe(1);
    expect(tester.create({ metadata, spec: { ...spec, parallelism: 5 } }).spec?.completions).toBeUndefined();
    const perIndex = { ...spec, backoffLimitPerIndex: 1, completionMode: 'Indexed', completions: 2 };
    expect(tester.create({ metadata, spec: perIndex }).spec?.backoffLimit).toBe(2 ** 31 - 1);
  });

  test("a job's own labels stay as they are", () => {
    const labelled = { metadata: { ...metadata, labels: { a: 'b' } }, spec };
    expect(tester.create(labelled).metadata?.labels).toEqual({ a: 'b' });
    const podLabels = { ...template, metadata: { labels: { x: 'y' } } };
    const created = tester.create({ metadata, spec: { template: podLabels } });
    expect(created.metadata?.labels).toEqual({ ...GENERATED, x: 'y' });
    expect(created.metadata?.labels).not.toBe(created.spec?.template.metadata?.labels);
  });

  test.each<[object, string[]]>([
    [spec, []],
    [
      { template: { spec: { ...template.spec, restartPolicy: 'Always' } } },
      ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
    ],
    [{ ...spec, backoffLimit: -1 }, ['spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0']],
    [
      { ...spec, completionMode: 'Indexed', parallelism: 1 },
      ['spec.completions: Required value: when completion mode is Indexed'],
    ],
    [
      { ...spec, backoffLimitPerIndex: 1 },
      ['spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode'],
    ],
    [
      { ...spec, managedBy: 'me' },
      ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      { ...spec, template: { ...template, metadata: { labels: { 'job-name': 'other' } } } },
      [
        `spec.template.metadata.labels[job-name]: Invalid value: ${JSON.stringify({ ...GENERATED, 'job-name': 'other' })}: must be 'pi'`,
      ],
    ],
    [
      { ...spec, selector: { matchLabels: { a: 'b' } } },
      [
        'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"u1","a":"b"}}: `selector` not auto-generated',
        `spec.template.metadata.labels: Invalid value: ${JSON.stringify(GENERATED)}: \`selector\` does not match template \`labels\``,
      ],
    ],
    [
      {
        ...spec,
        podFailurePolicy: {
          rules: [
            { action: 'Retry', onExitCodes: { operator: 'In', values: [2, 1, 1, 0], containerName: 'x' } },
            { action: 'FailJob' },
          ],
        },
      },
      [
        'spec.podFailurePolicy.rules[0].action: Unsupported value: "Retry": supported values: "Count", "FailIndex", "FailJob", "Ignore"',
        'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template',
        'spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 1',
        'spec.podFailurePolicy.rules[0].onExitCodes.values[3]: Invalid value: 0: must not be 0 for the In operator',
        'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1,1,0]: must be ordered',
        'spec.podFailurePolicy.rules[1]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
      ],
    ],
    [
      { ...spec, completionMode: 'Indexed', completions: 3, successPolicy: { rules: [{ succeededIndexes: '0-5' }] } },
      [
        'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-5": error parsing succeededIndexes: too large index: "5"',
      ],
    ],
  ])('validation of %j', (given, errors) => {
    expect(errorsOf(given)).toEqual(errors);
  });

  test('the template is immutable unless the job rests', () => {
    const old = tester.create({ metadata, spec: { ...spec, suspend: true } });
    const changed = structuredClone(old);
    if (changed.spec?.template.spec !== undefined) changed.spec.template.spec.nodeSelector = { a: 'b' };
    const [error = ''] = tester.updateErrors(changed, old);
    expect(error).toMatch(/^spec\.template: Invalid value: \{.*\}: field is immutable$/);

    old.status = { conditions: [{ type: 'Suspended', status: 'True' }] };
    changed.status = old.status;
    expect(tester.updateErrors(changed, old)).toEqual([]);
    if (changed.spec?.template.spec !== undefined) changed.spec.template.spec.hostNetwork = true;
    expect(tester.updateErrors(changed, old)[0]).toMatch(/^spec\.template\.spec: .*field is immutable$/);
  });

  test('completions of indexed jobs change with parallelism', () => {
    const indexed = { ...spec, completionMode: 'Indexed', completions: 2, parallelism: 2 };
    const old = tester.create({ metadata, spec: indexed });
    const scaled = (more: object): object => ({ ...old, spec: { ...old.spec, ...more } });
    expect(tester.updateErrors(scaled({ completions: 4, parallelism: 4 }), old)).toEqual([]);
    expect(tester.updateErrors(scaled({ completions: 4 }), old)).toEqual([
      'spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism',
    ]);
  });

  test('status transitions', () => {
    const old = tester.create({ metadata, spec });
    old.status = { startTime: '2026-01-01T00:00:00Z', active: 1, failed: 2 };
    const errors = (status: object): string[] => tester.updateErrors({ ...old, status }, old, 'status');
    const finished = {
      startTime: '2026-01-01T00:00:00Z',
      completionTime: '2026-01-01T00:01:00Z',
      failed: 2,
      succeeded: 1,
      conditions: [
        { type: 'SuccessCriteriaMet', status: 'True' },
        { type: 'Complete', status: 'True' },
      ],
    };
    expect(errors(finished)).toEqual([]);
    expect(
      errors({ ...finished, conditions: finished.conditions.slice(1), active: 1, completionTime: undefined }),
    ).toEqual([
      'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      'status.completionTime: Required value: completionTime is required for Complete jobs',
      'status.active: Invalid value: 1: active>0 is invalid for finished job',
    ]);
    expect(errors({ ...old.status, failed: 1, completedIndexes: '0' })).toEqual([
      'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
      'status.failed: Invalid value: 1: cannot decrease the failed counter',
    ]);
  });

  test('columns', () => {
    const cells = (more: object, status: object): object =>
      tester.cells({ metadata, spec: { ...spec, ...more }, status }, 300_000);
    expect(cells({ completions: 3 }, { succeeded: 1, startTime: '1970-01-01T00:00:30Z' })).toMatchObject({
      Status: 'Running',
      Completions: '1/3',
      Duration: '4m30s',
      Age: '5m',
      Containers: 'c',
      Images: 'perl:5',
      Selector: '<none>',
    });
    const complete = {
      startTime: '1970-01-01T00:00:30Z',
      completionTime: '1970-01-01T00:01:00Z',
      conditions: [{ type: 'Complete', status: 'True' }],
    };
    expect(cells({ parallelism: 4 }, complete)).toMatchObject({
      Status: 'Complete',
      Completions: '0/1 of 4',
      Duration: '30s',
    });
    expect(cells({}, { conditions: [{ type: 'Suspended', status: 'True' }] })).toMatchObject({
      Status: 'Suspended',
      Duration: '',
    });
    expect(job.fieldLabels?.['status.successful']?.(tester.decode({ metadata, spec, status: { succeeded: 2 } }))).toBe(
      '2',
    );
  });
});

describe('cron jobs', () => {
  const tester = kindTester<V1CronJob>(cronJob);
  const cron = { schedule: '*/5 * * * *', jobTemplate: { spec } };
  const errorsOf = (given: object): string[] => tester.createErrors({ metadata, spec: { ...cron, ...given } });

  test('defaults', () => {
    expect(tester.create({ metadata, spec: cron }).spec).toMatchObject({
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: { spec: { template: { spec: { dnsPolicy: 'ClusterFirst' } } } },
    });
  });

  test.each<[object, string[]]>([
    [{}, []],
    [{ schedule: '' }, ['spec.schedule: Required value']],
    [{ schedule: '* * *' }, ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]']],
    [
      { schedule: 'CRON_TZ=UTC * * * * *' },
      [
        'spec.schedule: Invalid value: "CRON_TZ=UTC * * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      ],
    ],
    [{ timeZone: 'Europe/Berlin' }, []],
    [{ timeZone: 'Mars/Base' }, ['spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base']],
    [
      { timeZone: 'Local' },
      [
        'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
      ],
    ],
    [{ timeZone: '' }, ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']],
    [
      { concurrencyPolicy: 'Queue' },
      ['spec.concurrencyPolicy: Unsupported value: "Queue": supported values: "Allow", "Forbid", "Replace"'],
    ],
    [
      { jobTemplate: { spec: { ...spec, selector: { matchLabels: { a: 'b' } }, manualSelector: true } } },
      [
        'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated',
        'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
      ],
    ],
  ])('validation of %j', (given, errors) => {
    expect(errorsOf(given)).toEqual(errors);
  });

  test('long names are refused, since jobs get longer ones', () => {
    const name = 'a'.repeat(53);
    expect(tester.createErrors({ metadata: { ...metadata, name }, spec: cron })).toEqual([
      `metadata.name: Invalid value: "${name}": must be no more than 52 characters`,
    ]);
  });

  test('columns', () => {
    const status = { active: [{ name: 'pi-1' }], lastScheduleTime: '1970-01-01T00:04:00Z' };
    expect(tester.cells({ metadata, spec: { ...cron, suspend: true }, status }, 300_000)).toMatchObject({
      Schedule: '*/5 * * * *',
      Timezone: '<none>',
      Suspend: 'True',
      Active: 1,
      'Last Schedule': '60s',
      Age: '5m',
    });
    expect(tester.cells({ metadata, spec: cron })).toMatchObject({ Suspend: 'False', 'Last Schedule': '<none>' });
  });
});

test.each([
  ['0 0 1 jan sun', undefined],
  ['1,2-4/2 */3 ? * 1-5', undefined],
  ['@hourly', undefined],
  ['@every 1h30m', undefined],
  ['@often', 'unrecognized descriptor: @often'],
  ['@every soon', 'failed to parse duration @every soon: time: invalid duration "soon"'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['* * * * 7', 'end of range (7) above maximum (6): 7'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
])('schedule %s', (schedule, fault) => {
  expect(cronScheduleFault(schedule)).toBe(fault);
});

test.each([
  ['', { count: 0 }],
  ['0,2-4', { count: 4 }],
  ['3,1', { fault: 'non-increasing order, previous: 3, current: 1' }],
  [
    '1-2-3',
    {
      fault: `the fragment "1-2-3" violates the requirement that an index interval can have at most two parts separated by '-'`,
    },
  ],
  ['a', { fault: 'cannot convert string to integer for index: "a"' }],
  ['9', { fault: 'too large index: "9"' }],
])('indexes %s', (text, result) => {
  expect(countIndexes(text, 5)).toEqual(result);
});
