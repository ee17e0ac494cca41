export { embeddedErrors, OBJECT_META, readResourceMeta } from './embedded.js';
export { listTypeErrors } from './list-types.js';
export {
  compileRule,
  compileRuleTree,
  type CompiledRule,
  evaluateRules,
  type RuleResult,
  type RuleTree,
} from './rule-tree.js';
export { type StructuralSchema, type ValidationRule, valuesOf } from './structural-schema.js';
