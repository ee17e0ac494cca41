const LINE_LENGTH = 64;

/** DER bytes as PEM: `CERTIFICATE`, `PRIVATE KEY`, `CERTIFICATE REQUEST`. Ends with a newline, so that several may be joined. */
export function toPem(label: string, der: ArrayBuffer | Uint8Array): string {
  const base64 = Buffer.from(der as Uint8Array).toString('base64');
  const lines: string[] = [];
  for (let offset = 0; offset < base64.length; offset += LINE_LENGTH)
    lines.push(base64.slice(offset, offset + LINE_LENGTH));
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The DER bytes of the first block of that label; undefined when there is none. */
export function fromPem(label: string, pem: string): Uint8Array<ArrayBuffer> | undefined {
  const begin = `-----BEGIN ${label}-----`;
  const start = pem.indexOf(begin);
  if (start < 0) return undefined;
  const end = pem.indexOf(`-----END ${label}-----`, start);
  if (end < 0) return undefined;
  return new Uint8Array(Buffer.from(pem.slice(start + begin.length, end), 'base64'));
}
