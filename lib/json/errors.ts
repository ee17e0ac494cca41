/** The text is not JSON (or YAML) at all. `message` is worded as Go's decoder words it, since users meet it in a Status. */
export class SyntaxFault extends Error {
  readonly code = 'InvalidSyntax';

  constructor(message: string) {
    super(message);
    this.name = 'SyntaxFault';
  }
}
