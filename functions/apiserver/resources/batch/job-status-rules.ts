import { duplicate, invalid, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1Job, V1JobStatus } from '../../../../lib/schema/generated/types.js';
import { semanticallyEqual } from '../shared/equality.js';
import { FIELD_IS_IMMUTABLE } from '../shared/formats.js';
import { invalidWithoutValue } from '../shared/omitted-value.js';
import { statusCountErrors } from '../shared/status-counts.js';
import { commonIndex, countIndexes } from './index-intervals.js';

const COUNTS = ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const;
const CONDITIONS = 'status.conditions';

/** The facts about a status that its rules are stated in. */
function factsOf({ status }: V1Job) {
  const is = (type: string, value = 'True'): boolean =>
    status?.conditions?.find((condition) => condition.type === type)?.status === value;
  const complete = is('Complete');
  const failed = is('Failed');
  return {
    complete,
    failed,
    finished: complete || failed,
    failureTarget: is('FailureTarget'),
    successCriteriaMet: is('SuccessCriteriaMet'),
    suspended: is('Suspended'),
    notSuspended: is('Suspended', 'False'),
  };
}

/**
 * What a job's status may say. External controllers write it as well (`spec.managedBy`), so that transitions are checked
 * strictly; most rules bind only when what they are about changes, so that an older fault does not block other news.
 */
export function jobStatusErrors(job: V1Job, old: V1Job): FieldError[] {
  const status = job.status ?? {};
  return [
    ...statusCountErrors(status, COUNTS),
    ...uncountedErrors(status.uncountedTerminatedPods),
    ...conditionErrors(job, old),
    ...timeErrors(job, old),
    ...finishedErrors(job, old),
    ...indexErrors(job, old),
    ...counterErrors(job, old),
  ];
}

function uncountedErrors(uncounted: V1JobStatus['uncountedTerminatedPods']): FieldError[] {
  const seen = new Set<string>();
  return (['succeeded', 'failed'] as const).flatMap((list) =>
    (uncounted?.[list] ?? []).flatMap((uid, index) => {
      const at = `status.uncountedTerminatedPods.${list}[${index}]`;
      if (uid === '') return [invalid(at, uid, 'must not be empty')];
      if (seen.has(uid)) return [duplicate(at, uid)];
      seen.add(uid);
      return [];
    }),
  );
}

function conditionErrors(job: V1Job, old: V1Job): FieldError[] {
  const now = factsOf(job);
  const before = factsOf(old);
  const details: string[] = [];
  const completeChanged = now.complete !== before.complete;
  const failedChanged = now.failed !== before.failed;
  const targetChanged = now.failureTarget !== before.failureTarget;
  const criteriaChanged = now.successCriteriaMet !== before.successCriteriaMet;
  const failedIndexesChanged = job.status?.failedIndexes !== old.status?.failedIndexes;

  if ((completeChanged || failedChanged) && now.complete && now.failed) {
    details.push('cannot set Complete=True and Failed=true conditions');
  }
  if ((completeChanged || targetChanged) && now.complete && now.failureTarget) {
    details.push('cannot set Complete=True and FailureTarget=true conditions');
  }
  if ((failedChanged || failedIndexesChanged) && now.failed && !now.failureTarget) {
    details.push('cannot set Failed=True condition without the FailureTarget=true condition');
  }
  if ((completeChanged || criteriaChanged) && now.complete && !now.successCriteriaMet) {
    details.push('cannot set Complete=True condition without the SuccessCriteriaMet=true condition');
  }
  if (now.successCriteriaMet && now.failed) {
    details.push('cannot set SuccessCriteriaMet=True and Failed=true conditions');
  }
  if (now.successCriteriaMet && now.failureTarget) {
    details.push('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions');
  }
  if (job.spec?.successPolicy !== undefined && now.complete && !now.successCriteriaMet) {
    details.push('cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True');
  }
  if (before.failed && !now.failed) details.push('cannot disable the terminal Failed=True condition');
  if (before.complete && !now.complete) details.push('cannot disable the terminal Complete=True condition');
  if (before.failureTarget && !now.failureTarget) {
    details.push('cannot disable the terminal FailureTarget=True condition');
  }
  if (before.successCriteriaMet && !now.successCriteriaMet) {
    details.push('cannot disable the SuccessCriteriaMet=True condition');
  }
  if (before.complete && !before.successCriteriaMet && now.successCriteriaMet) {
    details.push('cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions');
  }
  return details.map((detail) => invalidWithoutValue(CONDITIONS, detail));
}

function timeErrors(job: V1Job, old: V1Job): FieldError[] {
  const { startTime, completionTime } = job.status ?? {};
  const oldStart = old.status?.startTime;
  const oldCompletion = old.status?.completionTime;
  const now = factsOf(job);
  const before = factsOf(old);
  const startChanged = startTime !== oldStart;
  const completionChanged = completionTime !== oldCompletion;
  const errors: FieldError[] = [];

  if (now.complete !== before.complete || completionChanged) {
    if (completionTime !== undefined && !now.complete) {
      errors.push(
        invalid(
          'status.completionTime',
          completionTime,
          'cannot set completionTime when there is no Complete=True condition',
        ),
      );
    }
    if (completionTime === undefined && now.complete) {
      errors.push(required('status.completionTime', 'completionTime is required for Complete jobs'));
    }
  }
  const isBackwards =
    startTime !== undefined && completionTime !== undefined && Date.parse(completionTime) < Date.parse(startTime);
  if ((startChanged || completionChanged) && isBackwards) {
    errors.push(invalid('status.completionTime', completionTime, 'must be equal to or after `startTime`'));
  }
  if (completionTime !== undefined && oldCompletion !== undefined && completionChanged) {
    errors.push(invalid('status.completionTime', completionTime, FIELD_IS_IMMUTABLE));
  }
  const isResuming = before.suspended && now.notSuspended;
  if (startChanged && !isResuming && oldStart !== undefined && job.spec?.suspend !== true) {
    errors.push(invalid('status.startTime', startTime, 'field is immutable for unsuspended job once set'));
  }
  return errors;
}

function finishedErrors(job: V1Job, old: V1Job): FieldError[] {
  const { active = 0, ready = 0, terminating = 0, startTime, uncountedTerminatedPods } = job.status ?? {};
  const { finished } = factsOf(job);
  const before = old.status ?? {};
  const finishedChanged = finished !== factsOf(old).finished;
  const activeChanged = active !== (before.active ?? 0);
  const errors: FieldError[] = [];

  if ((finishedChanged || activeChanged) && finished && active > 0) {
    errors.push(invalid('status.active', active, 'active>0 is invalid for finished job'));
  }
  const neverStarts = job.spec?.suspend === true && job.spec.completions === 0;
  const startMatters = (finishedChanged || startTime !== before.startTime) && !neverStarts;
  if (startMatters && finished && startTime === undefined) {
    errors.push(required('status.startTime', 'startTime is required for finished job'));
  }
  const uncounted = (uncountedTerminatedPods?.failed ?? []).length + (uncountedTerminatedPods?.succeeded ?? []).length;
  const uncountedChanged = !semanticallyEqual(uncountedTerminatedPods, before.uncountedTerminatedPods);
  if ((finishedChanged || uncountedChanged) && finished && uncounted > 0) {
    errors.push(invalid('status.uncountedTerminatedPods', uncountedTerminatedPods, 'must be empty for finished job'));
  }
  if ((finishedChanged || terminating !== (before.terminating ?? 0)) && finished && terminating > 0) {
    errors.push(invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'));
  }
  if ((activeChanged || ready !== (before.ready ?? 0)) && ready > active) {
    errors.push(invalid('status.ready', ready, 'cannot set more ready pods than active'));
  }
  return errors;
}

function indexErrors(job: V1Job, old: V1Job): FieldError[] {
  const { completedIndexes = '', failedIndexes } = job.status ?? {};
  const { completions, completionMode, backoffLimitPerIndex } = job.spec ?? {};
  const completedChanged = completedIndexes !== (old.status?.completedIndexes ?? '');
  const failedChanged = failedIndexes !== old.status?.failedIndexes;
  const errors: FieldError[] = [];

  if (completedChanged && completions !== undefined) {
    errors.push(...formatErrorsOf('completedIndexes', completedIndexes, completions));
  }
  if (failedChanged && completions !== undefined && backoffLimitPerIndex !== undefined && failedIndexes !== undefined) {
    errors.push(...formatErrorsOf('failedIndexes', failedIndexes, completions));
  }
  if (completedChanged && completedIndexes !== '' && completionMode !== 'Indexed') {
    errors.push(
      invalid(
        'status.completedIndexes',
        completedIndexes,
        'cannot set non-empty completedIndexes when non-indexed completion mode',
      ),
    );
  }
  if (failedChanged && backoffLimitPerIndex === undefined && failedIndexes !== undefined) {
    errors.push(
      invalid(
        'status.failedIndexes',
        failedIndexes,
        'cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      ),
    );
  }
  if ((failedChanged || completedChanged) && completions !== undefined && failedIndexes !== undefined) {
    const common = commonIndex(completedIndexes, failedIndexes, completions);
    if (common !== undefined) {
      errors.push(
        invalid(
          'status.failedIndexes',
          failedIndexes,
          `failedIndexes and completedIndexes overlap at index: ${common}`,
        ),
      );
    }
  }
  return errors;
}

function formatErrorsOf(field: string, text: string, completions: number): FieldError[] {
  const indexes = countIndexes(text, completions);
  return 'fault' in indexes ? [invalid(`status.${field}`, text, `error parsing ${field}: ${indexes.fault}`)] : [];
}

function counterErrors({ spec, status }: V1Job, old: V1Job): FieldError[] {
  const failed = status?.failed ?? 0;
  const succeeded = status?.succeeded ?? 0;
  const mayShrink = spec?.completionMode === 'Indexed' && spec.completions === spec.parallelism;
  return [
    ...(failed < (old.status?.failed ?? 0)
      ? [invalid('status.failed', failed, 'cannot decrease the failed counter')]
      : []),
    ...(!mayShrink && succeeded < (old.status?.succeeded ?? 0)
      ? [invalid('status.succeeded', succeeded, 'cannot decrease the succeeded counter')]
      : []),
  ];
}
