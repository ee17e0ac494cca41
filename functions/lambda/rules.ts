import type { AwsJsonService } from './aws-json.js';

/** Rules of EventBridge that are switched on and off: a rule that is off costs nothing. */
export interface Rules {
  enable(name: string): Promise<void>;
  disable(name: string): Promise<void>;
}

export class EventBridgeRules implements Rules {
  readonly #service: Pick<AwsJsonService, 'call'>;

  constructor(service: Pick<AwsJsonService, 'call'>) {
    this.#service = service;
  }

  async enable(name: string): Promise<void> {
    await this.#service.call('EnableRule', { Name: name });
  }

  async disable(name: string): Promise<void> {
    await this.#service.call('DisableRule', { Name: name });
  }
}
