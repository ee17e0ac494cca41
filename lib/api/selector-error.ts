/** A label or field selector that cannot be used; `message` is Kubernetes'. The API server answers 400 with it. */
export class SelectorError extends Error {
  readonly code = 'InvalidSelector';

  constructor(message: string) {
    super(message);
    this.name = 'SelectorError';
  }
}

/** Longest selector that is looked at: a megabyte of it would hold up everybody else. */
export const SELECTOR_MAX_CHARACTERS = 256 * 1024;
