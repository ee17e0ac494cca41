export { PatchError, type PatchErrorCode } from './errors.js';
export { JSON_PATCH_COPY_BYTES_MAX, JSON_PATCH_OPERATIONS_MAX, jsonPatch } from './json-patch.js';
export { mergePatch } from './merge-patch.js';
export { strategicMergePatch } from './strategic-merge-patch.js';
