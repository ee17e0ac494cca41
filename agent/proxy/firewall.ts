import type { ByFamily, RulesetChange, RulesetState } from './ruleset.js';

/**
 * The port through which Services get into the kernel. Every call is one transaction: all of it or nothing takes effect, and no packet meets
 * a half of it. A failure is a `NetworkError`; after one, `replace` brings everything right.
 */
export interface Firewall {
  /** Whether this can work here at all: rejects with what is missing and how to get it. Changes nothing. */
  check(): Promise<void>;
  /** Makes the table anew with this in it, whatever was there. Clients that have a session affinity keep it. */
  replace(state: ByFamily<RulesetState>): Promise<void>;
  apply(change: ByFamily<RulesetChange>): Promise<void>;
  /** False when somebody else has removed or flushed the table since `replace`. Cheap: it may be asked every few seconds. */
  isPresent(): Promise<boolean>;
  /** False when the table's content has changed since the last call without a call of ours in between. Costs a listing. */
  isUntouched(): Promise<boolean>;
  /** Removes the table. Removing twice is no error. */
  remove(): Promise<void>;
}

/** For nodes whose Services are programmed by somebody else, or not at all. */
export const noFirewall: Firewall = {
  check: () => Promise.resolve(),
  replace: () => Promise.resolve(),
  apply: () => Promise.resolve(),
  isPresent: () => Promise.resolve(true),
  isUntouched: () => Promise.resolve(true),
  remove: () => Promise.resolve(),
};
