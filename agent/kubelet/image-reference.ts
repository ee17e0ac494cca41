const ALNUM = '[a-z0-9]+';
const PATH_PART = `${ALNUM}(?:(?:\\.|_|__|-+)${ALNUM})*`;
const DOMAIN_PART = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?`;
const REFERENCE = new RegExp(
  `^(?:(${DOMAIN})/)?(${PATH_PART}(?:/${PATH_PART})*)(?::[\\w][\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);

const LENGTH_MAX = 4096;

/** Where an image comes from: its registry, and its path there. Undefined when the name is none. */
export function parseImage(image: string): { registry: string; repository: string } | undefined {
  const match = image.length > LENGTH_MAX ? null : REFERENCE.exec(image);
  if (match === null) return undefined;
  const [, domain, repository = ''] = match;
  // As Docker has it: a first part is no host that has neither a dot nor a port nor a capital letter and is not localhost.
  if (domain !== undefined && (/[.:A-Z]/.test(domain) || domain === 'localhost')) {
    return { registry: domain, repository };
  }
  const whole = domain === undefined ? repository : `${domain}/${repository}`;
  return { registry: 'docker.io', repository: whole.includes('/') ? whole : `library/${whole}` };
}
