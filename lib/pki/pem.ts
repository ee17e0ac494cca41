const LINE_LENGTH = 64;

/** DER bytes as PEM: `CERTIFICATE`, `PRIVATE KEY`, `CERTIFICATE REQUEST`. Ends with a newline, so that several may be joined. */
export function toPem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der).toString('base64');
  const lines: string[] = [];
  for (let offset = 0; offset < base64.length; offset += LINE_LENGTH)
    lines.push(base64.slice(offset, offset + LINE_LENGTH));
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The bytes of the first text of this label. Throws a RangeError where there is none. */
export function fromPem(label: string, pem: string): Uint8Array {
  const found = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(pem)?.[1];
  if (found === undefined) throw new RangeError(`there is no ${label} in PEM form`);
  return Buffer.from(found, 'base64');
}
