export { applyDefaults, DefaultsTooLargeError, type DefaultOptions } from './defaults.js';
export { coerceTypes, decodeObject, DecodeError, type Decoded } from './decode.js';
export { pruneUnknown, type PruneOptions } from './prune.js';
export { shapeOf, type Field, type Shape, type ShapeKind } from './shape.js';
export { validateSchema, type ValidateOptions } from './validate.js';
export { isKnownFormat } from './formats.js';
