export { applyConfiguration, type Applied, type ApplyRequest, type ObjectVersions } from './apply.js';
export { applyOverClientSide, withLastApplied } from './client-side-apply.js';
export { checkConfiguration } from './check-configuration.js';
export { ConflictError } from './conflicts.js';
export { ApplyError } from './errors.js';
export {
  difference,
  fieldsOf,
  hasField,
  intersection,
  readFieldSet,
  setOfPath,
  union,
  type FieldSet,
} from './field-set.js';
export { existingFields } from './field-set-of.js';
export {
  identityOf,
  isReset,
  readEntries,
  trustedEntries,
  writeEntries,
  type ManagerEntry,
  type ManagerOperation,
} from './managed-fields.js';
export { mergeTypeOf, type MergeType } from './merge-type.js';
export {
  compareObjects,
  fieldSetOfObject,
  STATUS_ALONE,
  WHOLE_OBJECT,
  WITHOUT_STATUS,
  type WriteScope,
} from './object-scope.js';
export { updateManagers, type Changes, type Writer } from './update-managers.js';
