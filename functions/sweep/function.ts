import type { Context } from 'aws-lambda';
import { nodes } from '../../lib/client/resources.js';
import { openWork } from '../lambda/cloud-work.js';
import { lazily } from '../lambda/lazily.js';
import { withBindings } from '../lambda/logging.js';
import type { CloudParts } from '../lambda/parts.js';
import { sweep } from './sweep.js';
import { SweepState } from './sweep-state.js';

/** The function that the sweep's rule runs each minute. */
export function sweepFunction(parts: CloudParts): (event: unknown, context: Context) => Promise<unknown> {
  const { config, clock, log, sqs, rules, heartbeatTable, metrics } = parts;
  const opened = lazily(async () => {
    const work = await openWork(parts);
    const { bootstrap, others } = work.chores();
    return { work, chores: [bootstrap, ...others] };
  });
  return (_event, context) =>
    withBindings({ requestId: context?.awsRequestId ?? '' }, async () => {
      const { work, chores } = await opened();
      try {
        return await sweep({
          clock,
          log,
          state: new SweepState({ table: heartbeatTable, clock, cluster: config.cluster }),
          chores,
          nodeCount: async () => (await work.components.replicas.view(nodes)).list().length,
          deadLetters:
            config.deadLetterQueueUrl === undefined ? undefined : { sqs, queueUrl: config.deadLetterQueueUrl },
          giveUp: (message, error) => work.components.giveUp(message, error),
          rules,
          rule: config.sweepRule,
        });
      } finally {
        metrics.flush();
      }
    });
}
