import { NagSuppressions } from 'cdk-nag';
import type { Stack } from 'aws-cdk-lib';
import { clusterNames } from '../lib/aws/function-environment.js';

/** Findings of cdk-nag (AwsSolutions) that are meant, each with its reason. `infra.test.ts` fails on any other. */
export function explainExceptions(stack: Stack, options: { cluster: string; hasKey: boolean }): void {
  const { doorbellPrefix } = clusterNames(options.cluster);
  NagSuppressions.addStackSuppressions(stack, [
    {
      id: 'AwsSolutions-IAM5',
      reason:
        'Each node has a queue of its own, made when the node registers: the permission goes by the beginning of its name, which is this cluster’s alone.',
      appliesTo: [`Resource::arn:<AWS::Partition>:sqs:<AWS::Region>:<AWS::AccountId>:${doorbellPrefix}*`],
    },
    {
      id: 'AwsSolutions-IAM4',
      reason:
        'Session Manager takes the place of SSH. Its agent’s actions know no resources, and AWS keeps their list up to date in this policy.',
      appliesTo: ['Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore'],
    },
    {
      id: 'AwsSolutions-SQS3',
      reason: 'It is a dead-letter queue.',
    },
    ...(options.hasKey
      ? [
          {
            id: 'AwsSolutions-IAM5',
            reason:
              'Publishing to a topic under a key of one’s own takes the key’s family of data key actions, on that key alone.',
            appliesTo: ['Action::kms:GenerateDataKey*'],
          },
        ]
      : [
          {
            id: 'AwsSolutions-SNS2',
            reason:
              'Notices name alarms and functions and carry no data of the cluster; alarms cannot publish to topics under the key of AWS, and a key of one’s own is an option (customerKey).',
          },
        ]),
    {
      id: 'AwsSolutions-VPC7',
      reason:
        'Flow logs are billed by the traffic of pods, of which this stack knows nothing; whoever needs them can turn them on or bring a VPC.',
    },
    {
      id: 'AwsSolutions-AS3',
      reason:
        'Instances that come and go are Events of nodes in the cluster; a mail for each would hide the notices that matter.',
    },
  ]);
}
