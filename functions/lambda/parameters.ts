import { AwsJsonError, type AwsJsonService } from './aws-json.js';

/** Texts that outlive functions: keys, and what the infrastructure says later than the environment. */
export interface Parameters {
  /** Undefined when there is none. */
  read(name: string): Promise<string | undefined>;
  /** The text of a secret; where there is none, it is made now. Of several who make it at once, one wins, and all get its text. */
  readOrMake(name: string, make: () => string | Promise<string>): Promise<string>;
}

/** SSM Parameter Store: secrets are SecureStrings, under the key of AWS unless another is named. */
export class SsmParameters implements Parameters {
  readonly #service: Pick<AwsJsonService, 'call'>;
  readonly #keyId: string | undefined;

  constructor(options: { service: Pick<AwsJsonService, 'call'>; keyId?: string }) {
    this.#service = options.service;
    this.#keyId = options.keyId;
  }

  async read(name: string): Promise<string | undefined> {
    try {
      const { Parameter } = await this.#service.call('GetParameter', { Name: name, WithDecryption: true });
      const { Value } = (Parameter ?? {}) as { Value?: unknown };
      return typeof Value === 'string' ? Value : undefined;
    } catch (error) {
      if (error instanceof AwsJsonError && error.code === 'ParameterNotFound') return undefined;
      throw error;
    }
  }

  async readOrMake(name: string, make: () => string | Promise<string>): Promise<string> {
    const present = await this.read(name);
    if (present !== undefined) return present;
    const made = await make();
    try {
      await this.#service.call('PutParameter', {
        Name: name,
        Value: made,
        Type: 'SecureString',
        Overwrite: false,
        ...(this.#keyId === undefined ? {} : { KeyId: this.#keyId }),
      });
      return made;
    } catch (error) {
      if (!(error instanceof AwsJsonError) || error.code !== 'ParameterAlreadyExists') throw error;
      const other = await this.read(name);
      if (other === undefined) throw error;
      return other;
    }
  }
}
