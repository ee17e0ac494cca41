/**
 * A body that is not the protobuf form of a built-in kind. `UnknownKind`: the envelope is sound, but its kind is none
 * of ours; everything else is `Malformed`.
 */
export class ProtobufError extends Error {
  readonly code: 'Malformed' | 'UnknownKind';

  constructor(message: string, code: 'Malformed' | 'UnknownKind' = 'Malformed', options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProtobufError';
    this.code = code;
  }
}
