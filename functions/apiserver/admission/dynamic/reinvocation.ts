import type { KubernetesObject } from '../../../../lib/api/meta.js';
import { equalJson } from '../../registry/json-values.js';
import type { AdmissionAttributes } from '../plugin.js';

/** What a mutating plugin remembers between the two rounds of mutation, about what it calls (by an id of its own). */
export interface ReinvocationMemory {
  /** The object as the last call of the first round left it. */
  lastOutput: KubernetesObject | undefined;
  /** Called already, and willing to be called again. */
  readonly reinvocable: Set<string>;
  /** Of these, the ones before something changed. */
  readonly toReinvoke: Set<string>;
}

/** The memory of a plugin. In the second round what others have changed meanwhile has been noticed. */
export function reinvocationMemory(plugin: string, { reinvocation, object }: AdmissionAttributes): ReinvocationMemory {
  let memory = reinvocation.memory.get(plugin) as ReinvocationMemory | undefined;
  if (memory === undefined) {
    memory = { lastOutput: undefined, reinvocable: new Set(), toReinvoke: new Set() };
    reinvocation.memory.set(plugin, memory);
  }
  if (reinvocation.isAgain && !equalJson(memory.lastOutput, object)) requireReinvocation(memory);
  return memory;
}

/** Everything called so far that is willing must see what has changed since. */
export function requireReinvocation(memory: ReinvocationMemory): void {
  for (const id of memory.reinvocable) memory.toReinvoke.add(id);
  memory.reinvocable.clear();
}
