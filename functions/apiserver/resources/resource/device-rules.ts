import { required, tooLong, tooMany, type FieldError } from '../../../../lib/api/field-errors.js';
import type { V1DeviceSelector, V1OpaqueDeviceConfiguration } from '../../../../lib/schema/generated/types.js';
import { csiDriverNameErrors } from '../storage/csi-driver-name.js';

const SELECTORS_MAX = 32;
const EXPRESSION_BYTES_MAX = 10 * 1024;
const PARAMETERS_BYTES_MAX = 10 * 1024;

/** Which devices are wanted. What the expressions mean is checked when devices are allocated. */
export function selectorErrors(selectors: readonly V1DeviceSelector[], path: string): FieldError[] {
  return [
    ...(selectors.length > SELECTORS_MAX ? [tooMany(path, selectors.length, SELECTORS_MAX)] : []),
    ...selectors.flatMap(({ cel }, index) => {
      const at = `${path}[${index}].cel`;
      if (cel === undefined) return [required(at)];
      if (!cel.expression) return [required(`${at}.expression`)];
      return Buffer.byteLength(cel.expression) > EXPRESSION_BYTES_MAX
        ? [tooLong(`${at}.expression`, EXPRESSION_BYTES_MAX)]
        : [];
    }),
  ];
}

/** Configuration that only the driver understands; drivers are called as CSI drivers are. */
export function opaqueErrors(opaque: V1OpaqueDeviceConfiguration | undefined, path: string): FieldError[] {
  if (opaque === undefined) return [required(path)];
  const { driver, parameters } = opaque;
  const errors = csiDriverNameErrors(`${path}.driver`, driver);
  if (parameters === undefined || parameters === null) return [...errors, required(`${path}.parameters`)];
  return Buffer.byteLength(JSON.stringify(parameters)) > PARAMETERS_BYTES_MAX
    ? [...errors, tooLong(`${path}.parameters`, PARAMETERS_BYTES_MAX)]
    : errors;
}
