import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';
import type { CheckedPod, RunCheck, Violation } from './check.js';
import { CHECKS } from './checks.js';

const PREFIX = 'pod-security.kubernetes.io/';
const LEVELS = ['privileged', 'baseline', 'restricted'] as const;

export type Level = (typeof LEVELS)[number];

export interface LevelVersion {
  readonly level: Level;
  /** Minor version of Kubernetes; Infinity is the latest. */
  readonly minor: number;
}

/** What a namespace's labels ask for. */
export interface NamespacePolicy {
  readonly enforce: LevelVersion;
  readonly audit: LevelVersion;
  readonly warn: LevelVersion;
  /** Labels that say nothing known; what they are about counts as restricted where it is enforced. */
  readonly errors: readonly FieldError[];
}

const PRIVILEGED: LevelVersion = { level: 'privileged', minor: Infinity };

export function readPolicy(labels: Readonly<Record<string, string>> | undefined): NamespacePolicy {
  const errors: FieldError[] = [];
  const read = (mode: string, otherwise: Level): LevelVersion => ({
    level: readLevel(`${PREFIX}${mode}`, labels, { otherwise, errors }),
    minor: readVersion(`${PREFIX}${mode}-version`, labels, errors),
  });
  const enforce = read('enforce', 'restricted');
  const audit = read('audit', 'privileged');
  let warn = read('warn', 'privileged');
  const enforced = labels?.[`${PREFIX}enforce`];
  // Who is refused pods is warned of workloads that would make them.
  if (labels?.[`${PREFIX}warn`] === undefined && enforced === enforce.level && strictness(enforce.level) > 0) {
    warn = {
      level: enforce.level,
      minor: labels?.[`${PREFIX}warn-version`] === undefined ? enforce.minor : warn.minor,
    };
  }
  return { enforce, audit, warn, errors };
}

export function strictness(level: Level): number {
  return LEVELS.indexOf(level);
}

/** `restricted:latest`, `baseline:v1.24` */
export function showLevel({ level, minor }: LevelVersion): string {
  return `${level}:${minor === Infinity ? 'latest' : `v1.${minor}`}`;
}

export function sameLevel(left: LevelVersion, right: LevelVersion): boolean {
  return left.level === right.level && left.minor === right.minor;
}

/** What the pod violates, in the order of the checks. */
export function violations(pod: CheckedPod, { level, minor }: LevelVersion): Violation[] {
  if (level === 'privileged') return [];
  return checksOf(level, minor)
    .map((run) => run(pod))
    .filter((violation) => violation !== undefined);
}

/** `reason (detail), reason (detail)` */
export function showViolations(found: readonly Violation[]): string {
  return found.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
}

function checksOf(level: Level, minor: number): RunCheck[] {
  const current = CHECKS.flatMap((check) => {
    const version = check.versions.findLast(({ since }) => since <= minor);
    return version === undefined ? [] : [{ check, run: version.run }];
  });
  if (level === 'baseline') return current.filter(({ check }) => check.level === 'baseline').map(({ run }) => run);
  const replaced = new Set(current.map(({ check }) => check.replaces));
  return current.filter(({ check }) => !replaced.has(check.id)).map(({ run }) => run);
}

function readLevel(
  label: string,
  labels: Readonly<Record<string, string>> | undefined,
  { otherwise, errors }: { otherwise: Level; errors: FieldError[] },
): Level {
  const value = labels?.[label];
  if (value === undefined) return PRIVILEGED.level;
  const level = LEVELS.find((known) => known === value);
  if (level === undefined)
    errors.push(invalid(`metadata.labels[${label}]`, value, `must be one of ${LEVELS.join(', ')}`));
  return level ?? otherwise;
}

function readVersion(
  label: string,
  labels: Readonly<Record<string, string>> | undefined,
  errors: FieldError[],
): number {
  const value = labels?.[label];
  if (value === undefined || value === 'latest') return Infinity;
  const minor = /^v1\.([0-9]|[1-9][0-9]*)$/.exec(value)?.[1];
  if (minor === undefined) errors.push(invalid(`metadata.labels[${label}]`, value, 'must be "latest" or "v1.x"'));
  return minor === undefined ? Infinity : Number(minor);
}
