/** The mark bits of a host whose settings are those built in. */
import { DEFAULT_AGENT_SETTINGS } from '../../../src/agent/calc/agent-settings.js';
import { type MarkBits, markBits } from '../../../src/agent/dataplane/rules/mark-bits.js';

export const MARKS: MarkBits = defaultMarks();

function defaultMarks(): MarkBits {
  const bits = markBits(DEFAULT_AGENT_SETTINGS.iptablesMarkMask);
  if (!bits) throw new Error('The default mask has too few bits');
  return bits;
}
