/**
 * The colours of verdicts.
 */
import type { VerifyStyle } from '../verify/render/style.js';
import type { Colors } from './context.js';

export function verifyStyle({ green, red, bold, dim }: Colors): VerifyStyle {
  return { allow: green, deny: red, heading: bold, dim };
}
