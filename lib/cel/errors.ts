import { codePoints } from './text.js';

/** The expression does not compile; `message` lists every fault as cel-go prints them (`ERROR: <input>:1:6: …` with the marked line). */
export class CelCompileError extends Error {
  readonly code = 'CelCompile';
  readonly issues: readonly CelIssue[];

  constructor(source: string, issues: readonly CelIssue[]) {
    super(issues.map((issue) => formatIssue(source, issue)).join('\n'));
    this.name = 'CelCompileError';
    this.issues = issues;
  }
}

/** One fault of an expression. `position` counts UTF-16 units from its start. */
export interface CelIssue {
  message: string;
  position: number;
}

/** Thrown through an evaluation that has used up its budget or its time; `evaluate` turns it into a failed result. */
export class CelBudgetError extends Error {
  readonly code = 'CelBudget';

  constructor(message: string) {
    super(message);
    this.name = 'CelBudgetError';
  }
}

export const COST_EXCEEDED = 'operation cancelled: actual cost limit exceeded';
export const TIME_EXCEEDED = 'operation cancelled: it took longer than it may';

/** A fault while evaluating, as a value: `||` and `&&` absorb it, everything else passes it on. */
export class CelError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

export const NO_OVERLOAD = new CelError('no such overload');

function formatIssue(source: string, { message, position }: CelIssue): string {
  const before = source.slice(0, position);
  const line = before.split('\n').length;
  const start = before.lastIndexOf('\n') + 1;
  const end = source.indexOf('\n', position);
  const text = source.slice(start, end === -1 ? source.length : end).replaceAll('\t', ' ');
  const points = codePoints(source.slice(start, position));
  const marker = `${points.map((char) => (isWide(char) ? '\uff0e' : '.')).join('')}^`;
  return `ERROR: <input>:${line}:${points.length + 1}: ${message}\n | ${text}\n | ${marker}`;
}

function isWide(char: string): boolean {
  return new TextEncoder().encode(char).length > 1;
}
