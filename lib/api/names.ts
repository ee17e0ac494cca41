/**
 * Formats of names, worded as apimachinery's util/validation and api/validate/content word them. Every `is…` function
 * returns messages; none means valid. Lengths count bytes, as Go's do.
 */

const DNS_LABEL_MAX_BYTES = 63;
const DNS_SUBDOMAIN_MAX_BYTES = 253;
const LABEL_VALUE_MAX_BYTES = 63;
const LABEL_KEY_NAME_MAX_BYTES = 63;
const PORT_NAME_MAX_BYTES = 15;
export const PORT_MAX = 65_535;

const DNS1123_LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const DNS1123_SUBDOMAIN = `${DNS1123_LABEL}(\\.${DNS1123_LABEL})*`;
const DNS1035_LABEL = '[a-z]([-a-z0-9]*[a-z0-9])?';
const WILDCARD_SUBDOMAIN = `\\*\\.${DNS1123_SUBDOMAIN}`;
const LABEL_KEY = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${LABEL_KEY})?`;
const C_IDENTIFIER = '[A-Za-z_][A-Za-z0-9_]*';
const CONFIG_MAP_KEY = '[-._a-zA-Z0-9]+';
const ENV_VAR_NAME = '[-._a-zA-Z][-._a-zA-Z0-9]*';
const HTTP_HEADER_NAME = '[-A-Za-z0-9]+';
const PERCENT = '[0-9]+%';

const DNS1123_LABEL_PATTERN = whole(DNS1123_LABEL);
const DNS1123_SUBDOMAIN_PATTERN = whole(DNS1123_SUBDOMAIN);
const DNS1035_LABEL_PATTERN = whole(DNS1035_LABEL);
const WILDCARD_SUBDOMAIN_PATTERN = whole(WILDCARD_SUBDOMAIN);
const LABEL_KEY_PATTERN = whole(LABEL_KEY);
const LABEL_VALUE_PATTERN = whole(LABEL_VALUE);
const C_IDENTIFIER_PATTERN = whole(C_IDENTIFIER);
const CONFIG_MAP_KEY_PATTERN = whole(CONFIG_MAP_KEY);
const ENV_VAR_NAME_PATTERN = whole(ENV_VAR_NAME);
const HTTP_HEADER_NAME_PATTERN = whole(HTTP_HEADER_NAME);
const PERCENT_PATTERN = whole(PERCENT);
/** Printable ASCII other than `=`. */
const RELAXED_ENV_VAR_NAME_PATTERN = /^[ -<>-~]*$/;

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

function isLongerThan(value: string, bytesMax: number): boolean {
  return value.length > bytesMax || (value.length * 3 > bytesMax && Buffer.byteLength(value) > bytesMax);
}

/** `… (e.g. 'a', or 'b', regex used for validation is '…')`. */
export function regexMessage(message: string, pattern: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${pattern}')`;
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (e.g. ${shown}regex used for validation is '${pattern}')`;
}

export function rangeMessage(min: number, max: number): string {
  return `must be between ${min} and ${max}, inclusive`;
}

function maxCharacters(max: number): string {
  return `must be no more than ${max} characters`;
}

function maxBytes(max: number): string {
  return `must be no more than ${max} bytes`;
}

export function isDns1123Label(value: string): string[] {
  const messages = isLongerThan(value, DNS_LABEL_MAX_BYTES) ? [maxCharacters(DNS_LABEL_MAX_BYTES)] : [];
  if (DNS1123_LABEL_PATTERN.test(value)) return messages;
  if (DNS1123_SUBDOMAIN_PATTERN.test(value)) return [...messages, 'must not contain dots'];
  const words =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  return [...messages, regexMessage(words, DNS1123_LABEL, 'my-name', '123-abc')];
}

export function isDns1123Subdomain(value: string): string[] {
  return subdomainMessages(value, maxCharacters(DNS_SUBDOMAIN_MAX_BYTES));
}

function subdomainMessages(value: string, tooLong: string): string[] {
  const messages = isLongerThan(value, DNS_SUBDOMAIN_MAX_BYTES) ? [tooLong] : [];
  if (DNS1123_SUBDOMAIN_PATTERN.test(value)) return messages;
  const words =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [...messages, regexMessage(words, DNS1123_SUBDOMAIN, 'example.com')];
}

export function isDns1035Label(value: string): string[] {
  const messages = isLongerThan(value, DNS_LABEL_MAX_BYTES) ? [maxCharacters(DNS_LABEL_MAX_BYTES)] : [];
  if (DNS1035_LABEL_PATTERN.test(value)) return messages;
  const words =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return [...messages, regexMessage(words, DNS1035_LABEL, 'my-name', 'abc-123')];
}

export function isWildcardDns1123Subdomain(value: string): string[] {
  const messages = isLongerThan(value, DNS_SUBDOMAIN_MAX_BYTES) ? [maxCharacters(DNS_SUBDOMAIN_MAX_BYTES)] : [];
  if (WILDCARD_SUBDOMAIN_PATTERN.test(value)) return messages;
  const words =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return [...messages, regexMessage(words, WILDCARD_SUBDOMAIN, '*.example.com')];
}

/** Keys of labels and annotations, finalizers, resource names: `example.com/MyName`. */
export function isQualifiedName(value: string): string[] {
  const slash = value.indexOf('/');
  if (slash < 0 && LABEL_KEY_PATTERN.test(value) && value.length <= LABEL_KEY_NAME_MAX_BYTES) return [];
  const words =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  const nameMessage = regexMessage(words, LABEL_KEY, 'MyName', 'my.name', '123-abc');
  const parts = value.split('/');
  if (parts.length > 2) {
    return [
      `a valid label key ${nameMessage} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const messages: string[] = [];
  const name = parts.at(-1) ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') messages.push('prefix part must be non-empty');
    else {
      const found = subdomainMessages(prefix, maxBytes(DNS_SUBDOMAIN_MAX_BYTES));
      messages.push(...found.map((message) => `prefix part ${message}`));
    }
  }
  if (name === '') messages.push('name part must be non-empty');
  else if (isLongerThan(name, LABEL_KEY_NAME_MAX_BYTES))
    messages.push(`name part ${maxBytes(LABEL_KEY_NAME_MAX_BYTES)}`);
  if (!LABEL_KEY_PATTERN.test(name)) messages.push(`name part ${nameMessage}`);
  return messages;
}

export function isLabelValue(value: string): string[] {
  const messages = isLongerThan(value, LABEL_VALUE_MAX_BYTES) ? [maxBytes(LABEL_VALUE_MAX_BYTES)] : [];
  if (LABEL_VALUE_PATTERN.test(value)) return messages;
  const words =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
  return [...messages, regexMessage(words, LABEL_VALUE, 'MyValue', 'my_value', '12345')];
}

/** Names that are only held to fit into a URL path: those of RBAC, flow schemas, custom objects of old. */
export function isPathSegmentName(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return isPathSegmentPrefix(value);
}

/** The same for a `generateName`, which never stands alone. */
export function isPathSegmentPrefix(value: string): string[] {
  return ['/', '%'].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`);
}

export function isCIdentifier(value: string): string[] {
  if (C_IDENTIFIER_PATTERN.test(value)) return [];
  const words =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
  return [regexMessage(words, C_IDENTIFIER, 'my_name', 'MY_NAME', 'MyName')];
}

export function isPortNumber(port: number): string[] {
  return Number.isInteger(port) && port >= 1 && port <= PORT_MAX ? [] : [rangeMessage(1, PORT_MAX)];
}

export function isPortName(value: string): string[] {
  const messages: string[] = [];
  if (isLongerThan(value, PORT_NAME_MAX_BYTES)) messages.push(maxCharacters(PORT_NAME_MAX_BYTES));
  if (!/^[-a-z0-9]+$/.test(value)) {
    messages.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) messages.push('must contain at least one letter (a-z)');
  if (value.includes('--')) messages.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) messages.push('must not begin or end with a hyphen');
  return messages;
}

export function isPercent(value: string): string[] {
  if (PERCENT_PATTERN.test(value)) return [];
  return [
    regexMessage("a valid percent string must be a numeric string followed by an ending '%'", PERCENT, '1%', '93%'),
  ];
}

export function isHttpHeaderName(value: string): string[] {
  if (HTTP_HEADER_NAME_PATTERN.test(value)) return [];
  const words = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return [regexMessage(words, HTTP_HEADER_NAME, 'X-Header-Name')];
}

/** What may name a key that becomes an environment variable by `envFrom`. */
export function isEnvVarName(value: string): string[] {
  const words =
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit";
  const messages = ENV_VAR_NAME_PATTERN.test(value)
    ? []
    : [regexMessage(words, ENV_VAR_NAME, 'my.env-name', 'MY_ENV.NAME', 'MyEnvName1')];
  return [...messages, ...parentDirectoryMessages(value)];
}

/** What may name an environment variable of a container. */
export function isRelaxedEnvVarName(value: string): string[] {
  if (value === '') return ['environment variable name must be non-empty'];
  if (RELAXED_ENV_VAR_NAME_PATTERN.test(value)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

/** Keys of config maps and secrets. */
export function isConfigMapKey(value: string): string[] {
  const messages = isLongerThan(value, DNS_SUBDOMAIN_MAX_BYTES) ? [maxCharacters(DNS_SUBDOMAIN_MAX_BYTES)] : [];
  if (!CONFIG_MAP_KEY_PATTERN.test(value)) {
    const words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    messages.push(regexMessage(words, CONFIG_MAP_KEY, 'key.name', 'KEY_NAME', 'key-name'));
  }
  return [...messages, ...parentDirectoryMessages(value)];
}

function parentDirectoryMessages(value: string): string[] {
  if (value === '.' || value === '..') return [`must not be '${value}'`];
  return value.startsWith('..') ? ["must not start with '..'"] : [];
}

/** Checks a name, or with `isPrefix` a `generateName`, of which the random end is still missing. */
export type NameRule = (name: string, isPrefix: boolean) => string[];

export const nameIsDnsSubdomain: NameRule = (name, isPrefix) =>
  isDns1123Subdomain(isPrefix ? maskTrailingDash(name) : name);

export const nameIsDnsLabel: NameRule = (name, isPrefix) => isDns1123Label(isPrefix ? maskTrailingDash(name) : name);

export const nameIsDns1035Label: NameRule = (name, isPrefix) =>
  isDns1035Label(isPrefix ? maskTrailingDash(name) : name);

export const nameIsPathSegment: NameRule = (name, isPrefix) =>
  isPrefix ? isPathSegmentPrefix(name) : isPathSegmentName(name);

/** A generated name never ends with the prefix's dash. */
function maskTrailingDash(name: string): string {
  return name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
}
