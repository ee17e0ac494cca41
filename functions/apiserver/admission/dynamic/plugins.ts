/** All of them as one part that is loaded late. */
export { mutatingPolicies } from './mutating-policies.js';
export { mutatingWebhooks } from './mutating-webhooks.js';
export { validatingPolicies } from './validating-policies.js';
export { validatingWebhooks } from './validating-webhooks.js';
