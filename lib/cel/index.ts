export {
  CelEnvironment,
  type CelEnvironmentOptions,
  type CelOutcome,
  CelProgram,
  CelResultTypeError,
} from './environment.js';
export { CelBudgetError, CelCompileError, CelError } from './errors.js';
export { LazyObject, toJson } from './json.js';
export {
  AUTHORIZER_TYPE,
  CelAccess,
  type CelAccessAnswer,
  type CelAccessQuestion,
  type CelAuthorizerPort,
  RESOURCE_CHECK_TYPE,
} from './library/authorizer.js';
export { CALL_COST_MAX } from './limits.js';
export { CelMeter } from './meter.js';
export * from './types.js';
export { CelList, CelMap, CelOptional, CelStruct, type CelValue } from './values.js';
export { estimateCost } from './estimate.js';
export { escapeProperty, schemaType } from './schema-types.js';
