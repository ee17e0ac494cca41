import { duplicate, invalid, notSupported, required, type FieldError } from '../../../../lib/api/field-errors.js';
import type {
  AdmissionregistrationV1ServiceReference,
  AdmissionregistrationV1WebhookClientConfig,
  V1MutatingWebhook,
  V1ValidatingWebhook,
} from '../../../../lib/schema/generated/types.js';
import { isDns1035Label, isDns1123Subdomain, isPortNumber } from '../shared/formats.js';
import { validateLabelSelector } from '../shared/labels.js';
import { ALL_OPERATIONS, matchConditionErrors, ruleErrors } from './match-rules.js';

const CALL_SECONDS = 10;
const CALL_SECONDS_MAX = 30;
const HTTPS_PORT = 443;
const FAILURE_POLICIES = ['Fail', 'Ignore'];
const MATCH_POLICIES = ['Equivalent', 'Exact'];
const SIDE_EFFECTS = ['None', 'NoneOnDryRun'];
const REVIEW_VERSIONS = ['v1', 'v1beta1'];
/** Labels of a name that is fully qualified. */
const NAME_SEGMENTS_MIN = 3;

type Webhook = V1MutatingWebhook | V1ValidatingWebhook;

/** What webhooks of both kinds leave out. */
export function defaultWebhook(webhook: Webhook): void {
  webhook.failurePolicy ??= 'Fail';
  webhook.matchPolicy ??= 'Equivalent';
  webhook.namespaceSelector ??= {};
  webhook.objectSelector ??= {};
  webhook.timeoutSeconds ??= CALL_SECONDS;
  for (const rule of webhook.rules ?? []) rule.scope ??= '*';
  const service = webhook.clientConfig?.service;
  if (service !== undefined) service.port ??= HTTPS_PORT;
}

/** What is wrong with the webhooks of a configuration of either kind. */
export function webhookErrors(webhooks: readonly Webhook[] | undefined): FieldError[] {
  const names = new Set<string>();
  return (webhooks ?? []).flatMap((webhook, index) => {
    const path = `webhooks[${index}]`;
    const { name = '', admissionReviewVersions = [] } = webhook;
    const errors = [
      ...oneWebhookErrors(webhook, path),
      ...versionErrors(admissionReviewVersions, `${path}.admissionReviewVersions`),
      ...(name !== '' && names.has(name) ? [duplicate(`${path}.name`, name)] : []),
    ];
    names.add(name);
    return errors;
  });
}

function oneWebhookErrors(webhook: Webhook, path: string): FieldError[] {
  const { name = '', rules = [], failurePolicy, matchPolicy, sideEffects, timeoutSeconds } = webhook;
  const { namespaceSelector, objectSelector, clientConfig, matchConditions = [] } = webhook;
  const oneOf = (field: string, value: string | undefined, supported: readonly string[]): FieldError[] =>
    value === undefined || supported.includes(value) ? [] : [notSupported(`${path}.${field}`, value, supported)];
  return [
    ...nameErrors(name, `${path}.name`),
    ...rules.flatMap((rule, index) => ruleErrors(rule, `${path}.rules[${index}]`, ALL_OPERATIONS)),
    ...oneOf('failurePolicy', failurePolicy, FAILURE_POLICIES),
    ...oneOf('matchPolicy', matchPolicy, MATCH_POLICIES),
    ...(sideEffects === undefined
      ? [required(`${path}.sideEffects`, `must specify one of ${SIDE_EFFECTS.join(', ')}`)]
      : oneOf('sideEffects', sideEffects, SIDE_EFFECTS)),
    ...(timeoutSeconds !== undefined && (timeoutSeconds > CALL_SECONDS_MAX || timeoutSeconds < 1)
      ? [
          invalid(
            `${path}.timeoutSeconds`,
            timeoutSeconds,
            `the timeout value must be between 1 and ${CALL_SECONDS_MAX} seconds`,
          ),
        ]
      : []),
    ...validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`),
    ...validateLabelSelector(objectSelector, `${path}.objectSelector`),
    ...('reinvocationPolicy' in webhook
      ? oneOf('reinvocationPolicy', webhook.reinvocationPolicy, ['IfNeeded', 'Never'])
      : []),
    ...clientErrors(clientConfig, `${path}.clientConfig`),
    ...matchConditionErrors(matchConditions, `${path}.matchConditions`),
  ];
}

function nameErrors(name: string, field: string): FieldError[] {
  if (name === '') return [required(field)];
  const faults = isDns1123Subdomain(name);
  if (faults.length > 0) return [invalid(field, name, faults.join(','))];
  return name.split('.').length < NAME_SEGMENTS_MIN
    ? [invalid(field, name, 'should be a domain with at least three segments separated by dots')]
    : [];
}

function versionErrors(versions: readonly string[], field: string): FieldError[] {
  if (versions.length === 0) return [required(field, `must specify one of ${REVIEW_VERSIONS.join(', ')}`)];
  const errors = versions.flatMap((version, index) =>
    versions.indexOf(version) < index
      ? [invalid(`${field}[${index}]`, version, 'duplicate version')]
      : isDns1035Label(version).map((fault) => invalid(`${field}[${index}]`, version, fault)),
  );
  if (versions.some((version) => REVIEW_VERSIONS.includes(version))) return errors;
  return [...errors, invalid(field, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`)];
}

/** Where a webhook listens. */
export function clientErrors(
  config: AdmissionregistrationV1WebhookClientConfig | undefined,
  path: string,
): FieldError[] {
  const { url, service } = config ?? {};
  if ((url === undefined) === (service === undefined)) {
    return [required(path, 'exactly one of url or service is required')];
  }
  return url === undefined ? serviceErrors(service, `${path}.service`) : urlErrors(url, `${path}.url`);
}

const URL_FORM = '; desired format: https://host[/path]';

function urlErrors(text: string, field: string): FieldError[] {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // What has no scheme is a relative reference, which Go reads without complaint: it lacks scheme and host.
    return [
      invalid(field, '', `'https' is the only allowed URL scheme${URL_FORM}`),
      invalid(field, '', `host must be specified${URL_FORM}`),
    ];
  }
  const scheme = url.protocol.replace(/:$/, '');
  return [
    ...(scheme === 'https' ? [] : [invalid(field, scheme, `'https' is the only allowed URL scheme${URL_FORM}`)]),
    ...(url.host === '' ? [invalid(field, '', `host must be specified${URL_FORM}`)] : []),
    ...(url.username === '' && url.password === ''
      ? []
      : [invalid(field, url.username, 'user information is not permitted in the URL')]),
    ...(url.hash === '' ? [] : [invalid(field, url.hash.slice(1), 'fragments are not permitted in the URL')]),
    ...(url.search === ''
      ? []
      : [invalid(field, url.search.slice(1), 'query parameters are not permitted in the URL')]),
  ];
}

function serviceErrors(
  { name, namespace, path, port = HTTPS_PORT }: Partial<AdmissionregistrationV1ServiceReference> = {},
  field: string,
): FieldError[] {
  const portFaults = isPortNumber(port);
  return [
    ...(name ? [] : [required(`${field}.name`, 'service name is required')]),
    ...(namespace ? [] : [required(`${field}.namespace`, 'service namespace is required')]),
    ...(portFaults.length === 0 ? [] : [invalid(`${field}.port`, port, `port is not valid: ${portFaults.join(',')}`)]),
    ...(path === undefined ? [] : pathErrors(path, `${field}.path`)),
  ];
}

function pathErrors(path: string, field: string): FieldError[] {
  if (path === '' || path === '/') return [];
  if (path === '//') return [invalid(field, path, 'segment[0] may not be empty')];
  const start = path.startsWith('/') ? [] : [invalid(field, path, "must start with a '/'")];
  const segments = path.slice(1).replace(/\/$/, '').split('/');
  return [
    ...start,
    ...segments.flatMap((segment, index) =>
      segment === ''
        ? [invalid(field, path, `segment[${index}] may not be empty`)]
        : isDns1123Subdomain(segment).map((fault) => invalid(field, path, `segment[${index}]: ${fault}`)),
    ),
  ];
}
