import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An access key that the stub knows. */
export interface StubCaller {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  account: string;
  arn: string;
  userId: string;
}

/** Instead of an honest answer. */
export type StubBehaviour =
  | 'honest'
  | 'honest-in-xml'
  | 'redirect'
  | 'hang'
  | 'hang-after-headers'
  | 'huge'
  | 'not-json'
  | 'no-arn'
  | 'fail'
  | 'throttle';

/** Presigned requests of one token, checked and answered as STS does: the signature is computed here anew, from the specification. */
export class StsStub {
  behaviour: StubBehaviour = 'honest';
  /** Questions that came in. */
  readonly asked: IncomingMessage[] = [];
  readonly #callers: readonly StubCaller[];
  readonly #server: Server;

  private constructor(callers: readonly StubCaller[]) {
    this.#callers = callers;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(callers: readonly StubCaller[]): Promise<StsStub> {
    const stub = new StsStub(callers);
    await new Promise<void>((resolve) => stub.#server.listen(0, '127.0.0.1', resolve));
    return stub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push(request);
    const json = { 'content-type': 'application/json' };
    switch (this.behaviour) {
      case 'redirect':
        response.writeHead(302, { location: `${this.endpoint}/elsewhere` }).end();
        return;
      case 'hang':
        return;
      case 'hang-after-headers':
        response.writeHead(200, json);
        response.write('{');
        return;
      case 'huge':
        response.writeHead(200, json).end(JSON.stringify({ padding: 'x'.repeat(100_000) }));
        return;
      case 'not-json':
        response.writeHead(200, json).end('<html></html>');
        return;
      case 'no-arn':
        response.writeHead(200, json).end(JSON.stringify({ GetCallerIdentityResponse: {} }));
        return;
      case 'fail':
        response.writeHead(503).end();
        return;
      case 'throttle':
        response.writeHead(429).end();
        return;
      case 'honest':
      case 'honest-in-xml': {
        const caller = this.#callerOf(request);
        if (caller === undefined) {
          response.writeHead(403, json).end(JSON.stringify({ Error: { Code: 'SignatureDoesNotMatch' } }));
          return;
        }
        const { account: Account, arn: Arn, userId: UserId } = caller;
        if (this.behaviour === 'honest-in-xml') {
          const fields = `<Arn>${Arn}</Arn><UserId>${UserId}</UserId><Account>${Account}</Account>`;
          response
            .writeHead(200, { 'content-type': 'text/xml' })
            .end(
              `<?xml version="1.0" encoding="UTF-8"?>\n<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>${fields}</GetCallerIdentityResult></GetCallerIdentityResponse>`,
            );
          return;
        }
        response
          .writeHead(200, json)
          .end(JSON.stringify({ GetCallerIdentityResponse: { GetCallerIdentityResult: { Account, Arn, UserId } } }));
      }
    }
  }

  /** Signature version 4: canonical request, string to sign, derived key. The host is the one that the token is for. */
  #callerOf(request: IncomingMessage): StubCaller | undefined {
    const query = new URLSearchParams((request.url ?? '').split('?')[1] ?? '');
    const signature = query.get('X-Amz-Signature') ?? '';
    query.delete('X-Amz-Signature');
    const [keyId = '', ...scope] = (query.get('X-Amz-Credential') ?? '').split('/');
    const caller = this.#callers.find(({ accessKeyId }) => accessKeyId === keyId);
    if (caller === undefined || (query.get('X-Amz-Security-Token') ?? undefined) !== caller.sessionToken)
      return undefined;
    const [date = '', region = '', service = ''] = scope;
    const names = (query.get('X-Amz-SignedHeaders') ?? '').split(';');
    const header = (name: string): string =>
      name === 'host' ? `sts.${region}.amazonaws.com` : String(request.headers[name] ?? '');
    const escape = (text: string): string =>
      encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
    const canonical = [
      request.method ?? '',
      '/',
      [...query]
        .map(([name, value]) => `${escape(name)}=${escape(value)}`)
        .toSorted()
        .join('&'),
      ...names.map((name) => `${name}:${header(name).trim()}`),
      '',
      names.join(';'),
      createHash('sha256').update('').digest('hex'),
    ].join('\n');
    const toSign = [
      'AWS4-HMAC-SHA256',
      query.get('X-Amz-Date') ?? '',
      scope.join('/'),
      createHash('sha256').update(canonical).digest('hex'),
    ].join('\n');
    const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
    const signingKey = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
      hmac,
      `AWS4${caller.secretAccessKey}`,
    );
    return hmac(signingKey, toSign).toString('hex') === signature ? caller : undefined;
  }
}
