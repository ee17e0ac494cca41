import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { PARAMETER_NAMES, parseParameters } from './parameters.js';

describe('parameters', () => {
  test('have defaults', () => {
    expect(parseParameters({})).toMatchObject({
      cluster: 'main',
      serviceCidr: '10.96.0.0/16',
      podCidr: '10.244.0.0/16',
      clusterDns: '10.96.0.10',
      deletionProtection: true,
      customerKey: false,
      workers: 0,
    });
  });

  test('come as texts from the command line, or typed from cdk.json', () => {
    const admin = 'arn:aws:iam::123456789012:role/admin';
    const user = 'arn:aws:iam::123456789012:user/people/jane';
    expect(
      parseParameters({ workers: '3', deletionProtection: 'false', admins: `${admin}, ${user}`, alarms: '' }),
    ).toMatchObject({ workers: 3, deletionProtection: false, admins: [admin, user], alarms: [] });
    expect(parseParameters({ workers: 3, customerKey: true, admins: [admin] })).toMatchObject({
      workers: 3,
      customerKey: true,
      admins: [admin],
    });
  });

  test('leave the settings of the CDK alone', () => {
    expect(() =>
      parseParameters({
        '@aws-cdk/core:x': true,
        'aws:cdk:bundling-stacks': ['**'],
        'aws:cdk:enable-path-metadata': true,
      }),
    ).not.toThrow();
  });

  const wrong: [Record<string, unknown>, string][] = [
    [{ clusters: 'a' }, 'there is no parameter clusters. Known are: cluster, '],
    [{ cluster: 'Prod' }, 'cluster is not a name of at most 30'],
    [{ cluster: 'a'.repeat(31) }, 'cluster is not a name'],
    [{ workers: 'two' }, 'workers is not a number'],
    [{ workers: '-1' }, 'workers is below 0'],
    [{ workers: '5', workersMax: '3' }, 'workersMax is below workers'],
    [{ podCidr: '10.0.0.0' }, 'podCidr is not an IPv4 range'],
    [{ podCidr: '10.96.128.0/17' }, 'podCidr overlaps serviceCidr'],
    [{ vpcCidr: '10.244.0.0/16' }, 'vpcCidr overlaps podCidr'],
    [{ clusterDns: '10.97.0.10' }, 'clusterDns is not in serviceCidr'],
    [{ admins: 'jane' }, 'admins is not the ARN'],
    [{ alarms: 'errors,errors' }, 'alarms names an alarm twice'],
    [{ alarms: 'everything' }, 'alarms is none of dead-letters'],
    [{ alarmEmail: 'x' }, 'alarmEmail is not an e-mail address'],
    [{ vpcId: 'vpc-12345678' }, 'subnetIds belongs to vpcId'],
    [{ subnetIds: 'subnet-12345678' }, 'subnetIds belongs to vpcId'],
    [{ deletionProtection: 'no' }, 'deletionProtection'],
    [{ logRetentionDays: '2' }, 'logRetentionDays is none of 1, 3'],
    [{ workerInstanceType: 'small' }, 'workerInstanceType is not an instance type'],
  ];
  for (const [context, message] of wrong) {
    test(`refuses ${JSON.stringify(context)}`, () => {
      expect(() => parseParameters(context)).toThrow(message);
    });
  }

  test('are all documented, with their defaults', () => {
    const text = readFileSync(new URL('./README.md', import.meta.url), 'utf8');
    for (const name of PARAMETER_NAMES) expect(text).toMatch(new RegExp(`^\\| \`${name}\` +\\|`, 'm'));
    const defaults: Record<string, unknown> = parseParameters({});
    for (const [name, value] of Object.entries(defaults)) {
      const shown = Array.isArray(value) ? value.join(',') : String(value);
      const row = new RegExp(`^\\| \`${name}\` .*$`, 'm').exec(text)?.[0] ?? '';
      if (shown !== '') expect(row).toContain(shown);
    }
  });
});
