import { expect, it } from 'vitest';
import { AwsJsonError } from './aws-json.js';
import { readEnvironment } from './environment.js';
import { SsmParameters } from './parameters.js';
import { FUNCTION_ENVIRONMENT as NAMES } from '../../lib/aws/function-environment.js';

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/1';

const needed = {
  [NAMES.cluster]: 'demo',
  [NAMES.table]: 'main',
  [NAMES.heartbeatTable]: 'heartbeats',
  [NAMES.workQueueUrl]: 'https://sqs/work.fifo',
  [NAMES.schedulerQueueUrl]: 'https://sqs/scheduler.fifo',
  [NAMES.delayQueueUrl]: 'https://sqs/delay',
  [NAMES.signingKeysParameter]: '/demo/signing-keys',
  [NAMES.authorityParameter]: '/demo/authority',
};

it('secrets are made under the key of the customer where the environment names one', async () => {
  const { secretsKey } = readEnvironment({ ...needed, [NAMES.secretsKey]: KEY });
  const put: Record<string, unknown>[] = [];
  const service = {
    async call(action: string, input: Record<string, unknown>): Promise<Record<string, unknown>> {
      if (action === 'GetParameter') throw new AwsJsonError('ParameterNotFound', 'there is none');
      put.push(input);
      return {};
    },
  };
  const parameters = new SsmParameters({ service, ...(secretsKey === undefined ? {} : { keyId: secretsKey }) });
  expect(await parameters.readOrMake('/demo/signing-keys', () => 'secret')).toBe('secret');
  expect(put).toEqual([
    { Name: '/demo/signing-keys', Value: 'secret', Type: 'SecureString', Overwrite: false, KeyId: KEY },
  ]);
});

it('a missing or wrong variable is named', () => {
  expect(readEnvironment(needed).secretsKey).toBeUndefined();
  expect(() => readEnvironment({ ...needed, [NAMES.table]: '' })).toThrow('ZEROPLANE_TABLE');
  expect(() => readEnvironment({ ...needed, [NAMES.logLevel]: 'loud' })).toThrow('ZEROPLANE_LOG_LEVEL');
});
