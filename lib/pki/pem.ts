const LINE_LENGTH = 64;

/** DER bytes as PEM: `CERTIFICATE`, `PRIVATE KEY`, `CERTIFICATE REQUEST`. Ends with a newline, so that several may be joined. */
export function toPem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der).toString('base64');
  const lines: string[] = [];
  for (let offset = 0; offset < base64.length; offset += LINE_LENGTH)
    lines.push(base64.slice(offset, offset + LINE_LENGTH));
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
