import type { Element, RulesetChange, RulesetState } from './ruleset.js';

/** Elements in one command; nft reads a longer line no faster. */
const ELEMENTS_PER_COMMAND = 500;

/**
 * nft commands for the steps of one change, in the order that keeps every reference valid: what is referred to comes before who refers to it,
 * and goes after.
 * @param table family and name: `ip zeroplane-a`.
 */
export function changeCommands(table: string, change: RulesetChange): string[] {
  const commands: string[] = [];
  for (const [name, declaration] of change.setsAdded) commands.push(`add set ${table} ${name} { ${declaration} }`);
  const added = new Set(change.chainsAdded);
  for (const name of change.chainsAdded) commands.push(`add chain ${table} ${name}`);
  for (const [name, rules] of change.chainsWritten) {
    if (!added.has(name)) commands.push(`flush chain ${table} ${name}`);
    for (const rule of rules) commands.push(`add rule ${table} ${name} ${rule}`);
  }
  commands.push(...elementCommands('delete', table, change.elementsRemoved));
  commands.push(...elementCommands('add', table, change.elementsAdded));
  for (const name of change.chainsRemoved) commands.push(`flush chain ${table} ${name}`);
  for (const name of change.chainsRemoved) commands.push(`delete chain ${table} ${name}`);
  for (const name of change.setsRemoved) commands.push(`delete set ${table} ${name}`);
  return commands;
}

/** nft commands that fill a new table. */
export function stateCommands(table: string, state: RulesetState): string[] {
  return changeCommands(table, {
    setsAdded: [...state.sets],
    chainsAdded: [...state.chains.keys()],
    chainsWritten: [...state.chains],
    elementsRemoved: [],
    elementsAdded: [...state.elements.values()],
    chainsRemoved: [],
    setsRemoved: [],
  });
}

function elementCommands(verb: 'add' | 'delete', table: string, elements: readonly Element[]): string[] {
  const byContainer = new Map<string, string[]>();
  for (const { container, key, value } of elements) {
    let texts = byContainer.get(container);
    if (texts === undefined) byContainer.set(container, (texts = []));
    texts.push(verb === 'delete' || value === '' ? key : `${key} : ${value}`);
  }
  const commands: string[] = [];
  for (const [container, texts] of byContainer) {
    for (let start = 0; start < texts.length; start += ELEMENTS_PER_COMMAND) {
      const some = texts.slice(start, start + ELEMENTS_PER_COMMAND).join(', ');
      commands.push(`${verb} element ${table} ${container} { ${some} }`);
    }
  }
  return commands;
}
