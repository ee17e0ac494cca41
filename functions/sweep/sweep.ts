import type { Log } from '../apiserver/registry/context.js';
import type { Chore } from '../composition/chores.js';
import type { Rules } from '../lambda/rules.js';
import type { Clock } from '../../lib/clock/clock.js';
import type { Sqs } from '../../lib/work/sqs/sqs.js';
import { readBody } from '../../lib/work/sqs/work-body.js';
import type { WorkMessage } from '../../lib/work/work-queue.js';
import { QUIET_MS, type SweepState } from './sweep-state.js';

export interface SweepOptions {
  clock: Clock;
  log: Log;
  state: SweepState;
  chores: readonly Chore[];
  /** How many nodes there are. */
  nodeCount: () => Promise<number>;
  deadLetters: { sqs: Sqs; queueUrl: string } | undefined;
  giveUp: (message: WorkMessage, error: unknown) => Promise<void>;
  rules: Rules;
  rule: string | undefined;
}

/** Chores are told apart by more than a clock's skew: one that is due in so short a time is due. */
const EARLY_MS = 5_000;

/** Batches of dead letters taken in one sweep. */
const DEAD_LETTER_BATCHES_MAX = 10;
/** They stay hidden for about as long as a sweep may take. */
const DEAD_LETTER_VISIBILITY_SECONDS = 60;

/**
 * What is done each minute whatever happens: chores that are due, and dead letters, which become Events. Switches itself off when there are no
 * nodes and nothing has changed for a while.
 */
export async function sweep(options: SweepOptions): Promise<{ done: string[]; deadLetters: number; isOff: boolean }> {
  const { clock, log, state, rules, rule } = options;
  const { changedMs, beganMs } = await state.read();
  const done: string[] = [];
  for (const chore of options.chores) {
    const lastMs = beganMs(chore.name);
    if (clock.now() - lastMs < chore.intervalMs - EARLY_MS || !(await state.begin(chore.name, lastMs))) continue;
    try {
      await chore.run();
      done.push(chore.name);
    } catch (error) {
      log.warn({ chore: chore.name, error: String(error) }, chore.failure);
    }
  }
  const deadLetters = await buryDeadLetters(options);
  const isQuiet = deadLetters === 0 && clock.now() - changedMs > QUIET_MS && (await options.nodeCount()) === 0;
  if (!isQuiet || rule === undefined) return { done, deadLetters, isOff: false };
  await rules.disable(rule);
  // Whoever notes a change switches on what may be off: but it may have done so just before this.
  const isOff = (await state.read()).changedMs === changedMs;
  if (!isOff) await rules.enable(rule);
  return { done, deadLetters, isOff };
}

async function buryDeadLetters(options: SweepOptions): Promise<number> {
  const { log, deadLetters, giveUp } = options;
  if (deadLetters === undefined) return 0;
  const { sqs, queueUrl } = deadLetters;
  let count = 0;
  try {
    for (let batch = 0; batch < DEAD_LETTER_BATCHES_MAX; batch++) {
      const letters = await sqs.receive(queueUrl, {
        waitSeconds: 0,
        visibilitySeconds: DEAD_LETTER_VISIBILITY_SECONDS,
      });
      if (letters.length === 0) break;
      for (const letter of letters) {
        const message = readBody(letter.body);
        if (message === undefined) log.error({ messageId: letter.id }, 'a dead letter that is none of ours was let go');
        else
          await giveUp(
            message,
            new Error('its handling was cut short again and again, by an error or by its time limit'),
          );
      }
      await sqs.delete(queueUrl, letters);
      count += letters.length;
    }
  } catch (error) {
    log.warn({ error: String(error) }, 'dead letters were not read, the next attempt is in a minute');
  }
  return count;
}
