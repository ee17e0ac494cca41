import { invalid, type FieldError } from '../../../../lib/api/field-errors.js';

/**
 * Formats of strings and numbers, worded as apimachinery's util/validation words them.
 * The `is…` functions return messages; none means valid.
 */

const LABEL_MAX = 63;
const SUBDOMAIN_MAX = 253;
const PORT_NAME_MAX = 15;
const PORT_MAX = 65_535;
export const INT32_MAX = 2_147_483_647;

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED_NAME = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED_NAME})?`;
const HTTP_HEADER = '[-A-Za-z0-9]+';
const CONFIG_KEY = '[-._a-zA-Z0-9]+';

const LABEL_PATTERN = whole(LABEL);
const SUBDOMAIN_PATTERN = whole(SUBDOMAIN);
const LABEL_1035_PATTERN = whole(LABEL_1035);
const QUALIFIED_NAME_PATTERN = whole(QUALIFIED_NAME);
const LABEL_VALUE_PATTERN = whole(LABEL_VALUE);
const HTTP_HEADER_PATTERN = whole(HTTP_HEADER);
const CONFIG_KEY_PATTERN = whole(CONFIG_KEY);
const PRINTABLE_BUT_EQUALS = /^[\x20-\x3c\x3e-\x7e]*$/;

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

function tooLongInBytes(value: string, max: number): boolean {
  return value.length > max || (value.length * 3 > max && Buffer.byteLength(value) > max);
}

function maxCharacters(max: number): string {
  return `must be no more than ${max} characters`;
}

function maxBytes(max: number): string {
  return `must be no more than ${max} bytes`;
}

/** `… (e.g. 'a', or 'b', regex used for validation is '…')`. */
function regexMessage(message: string, pattern: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}', `).join('or ');
  return `${message} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

export function rangeMessage(min: number, max: number): string {
  return `must be between ${min} and ${max}, inclusive`;
}

export function isDns1123Label(value: string): string[] {
  const messages = tooLongInBytes(value, LABEL_MAX) ? [maxCharacters(LABEL_MAX)] : [];
  if (!LABEL_PATTERN.test(value)) {
    messages.push(
      SUBDOMAIN_PATTERN.test(value)
        ? 'must not contain dots'
        : regexMessage(
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            LABEL,
            'my-name',
            '123-abc',
          ),
    );
  }
  return messages;
}

export function isDns1123Subdomain(value: string): string[] {
  const messages = tooLongInBytes(value, SUBDOMAIN_MAX) ? [maxCharacters(SUBDOMAIN_MAX)] : [];
  if (!SUBDOMAIN_PATTERN.test(value)) {
    messages.push(
      regexMessage(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
        SUBDOMAIN,
        'example.com',
      ),
    );
  }
  return messages;
}

export function isDns1035Label(value: string): string[] {
  const messages = tooLongInBytes(value, LABEL_MAX) ? [maxCharacters(LABEL_MAX)] : [];
  if (!LABEL_1035_PATTERN.test(value)) {
    messages.push(
      regexMessage(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
        LABEL_1035,
        'my-name',
        'abc-123',
      ),
    );
  }
  return messages;
}

/** A label key: `name` or `dns.sub.domain/name`. */
export function isQualifiedName(value: string): string[] {
  const format =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const examples = ['MyName', 'my.name', '123-abc'];
  const parts = value.split('/');
  if (parts.length > 2) {
    return [
      `a valid label key ${regexMessage(format, QUALIFIED_NAME, ...examples)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const messages: string[] = [];
  const name = parts.at(-1) ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') messages.push('prefix part must be non-empty');
    else messages.push(...isDns1123Subdomain(prefix).map((message) => `prefix part ${message}`));
  }
  if (name === '') messages.push('name part must be non-empty');
  else if (tooLongInBytes(name, LABEL_MAX)) messages.push(`name part ${maxBytes(LABEL_MAX)}`);
  if (!QUALIFIED_NAME_PATTERN.test(name)) {
    messages.push(`name part ${regexMessage(format, QUALIFIED_NAME, ...examples)}`);
  }
  return messages;
}

export function isLabelValue(value: string): string[] {
  const messages = tooLongInBytes(value, LABEL_MAX) ? [maxBytes(LABEL_MAX)] : [];
  if (!LABEL_VALUE_PATTERN.test(value)) {
    messages.push(
      regexMessage(
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        LABEL_VALUE,
        'MyValue',
        'my_value',
        '12345',
      ),
    );
  }
  return messages;
}

/** A key of a ConfigMap or Secret. */
export function isConfigMapKey(value: string): string[] {
  const messages = tooLongInBytes(value, SUBDOMAIN_MAX) ? [maxCharacters(SUBDOMAIN_MAX)] : [];
  if (!CONFIG_KEY_PATTERN.test(value)) {
    messages.push(
      regexMessage(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        CONFIG_KEY,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  }
  if (value === '.') messages.push("must not be '.'");
  else if (value === '..') messages.push("must not be '..'");
  else if (value.startsWith('..')) messages.push("must not start with '..'");
  return messages;
}

export function isEnvVarName(value: string): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  return PRINTABLE_BUT_EQUALS.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function isHttpHeaderName(value: string): string[] {
  return HTTP_HEADER_PATTERN.test(value)
    ? []
    : [
        regexMessage(
          "a valid HTTP header must consist of alphanumeric characters or '-'",
          HTTP_HEADER,
          'X-Header-Name',
        ),
      ];
}

export function isPortNumber(port: number): string[] {
  return port >= 1 && port <= PORT_MAX ? [] : [rangeMessage(1, PORT_MAX)];
}

/** An IANA service name, as container ports have. */
export function isPortName(value: string): string[] {
  const messages = tooLongInBytes(value, PORT_NAME_MAX) ? [maxCharacters(PORT_NAME_MAX)] : [];
  if (!/^[-a-z0-9]+$/.test(value)) {
    messages.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) messages.push('must contain at least one letter (a-z)');
  if (value.includes('--')) messages.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) messages.push('must not begin or end with a hyphen');
  return messages;
}

/** A user or group id. */
export function isId(id: number): string[] {
  return id >= 0 && id <= INT32_MAX ? [] : [rangeMessage(0, INT32_MAX)];
}

/** Names that may also be a prefix for `generateName`, of which a trailing dash is no fault. */
export function nameAs(format: (value: string) => string[]): (name: string, prefix: boolean) => string[] {
  return (name, prefix) => format(prefix && name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name);
}

/** Field errors of a value that breaks a format. */
export function formatErrors(field: string, value: string, format: (value: string) => string[]): FieldError[] {
  return format(value).map((message) => invalid(field, value, message));
}

/** A port number or name, as probes and target ports take. */
export function portNumberOrNameErrors(field: string, port: number | string | undefined): FieldError[] {
  return typeof port === 'string'
    ? formatErrors(field, port, isPortName)
    : isPortNumber(port ?? 0).map((message) => invalid(field, port ?? 0, message));
}

export const NOT_NEGATIVE = 'must be greater than or equal to 0';
export const MUST_BE_POSITIVE = 'must be greater than 0';
export const FIELD_IS_IMMUTABLE = 'field is immutable';

export function nonNegativeErrors(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, NOT_NEGATIVE)] : [];
}
