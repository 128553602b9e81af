/**
 * References to secrets as they stand in the store: the name of a file below the secrets directory, never a value.
 * The name becomes part of a path, so it is checked again here: no segment may lead out of the directory.
 */
import type { SecretReference } from '../model/specs.generated.js';
import { type Decoder, fault, object, objectWith, parsed } from './json-decoder.js';

export const secret: Decoder<SecretReference> = (value, place) => {
  const { file, secretKeyRef } = reference(value, place);
  if (file !== undefined) return { file };
  if (secretKeyRef) return { secretKeyRef };
  throw fault(place, 'expected a secret: {"file": NAME} or {"secretKeyRef": {"name": NAME, "key": KEY}}');
};

const segment = '[A-Za-z0-9][A-Za-z0-9_.-]*';
const secretFile = parsed(
  (text) => (new RegExp(`^${segment}(/${segment})*$`).test(text) ? text : undefined),
  'the name of a file below the secrets directory',
);
const secretName = parsed(
  (text) => (new RegExp(`^${segment}$`).test(text) ? text : undefined),
  'a name of letters, digits, dot, underscore and dash',
);

const reference = object({
  file: secretFile,
  secretKeyRef: objectWith(['name', 'key'], { name: secretName, key: secretName }),
});
