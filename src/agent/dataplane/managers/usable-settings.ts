/**
 * Settings that rules can be made of.
 *
 * The schema lets pass what only the kernel would refuse, and the store may hold what no schema has seen. A prefix
 * that is no part of an interface name would make the chains that the host itself passes unfit. A field that cannot
 * be used keeps the value it had, and is named.
 */
import { type AgentSettings, DEFAULT_AGENT_SETTINGS } from '../../calc/agent-settings.js';
import type { DriverFailure } from '../driver.js';
import { type MarkBits, markBits } from '../rules/mark-bits.js';

export interface UsableSettings {
  readonly settings: AgentSettings;
  readonly marks: MarkBits;
  readonly problems: readonly DriverFailure[];
}

/** What holds until the first settings arrive. */
export function builtInSettings(): UsableSettings {
  const marks = markBits(DEFAULT_AGENT_SETTINGS.iptablesMarkMask);
  if (!marks) throw new RangeError('The mark mask that is built in has too few bits');
  return { settings: DEFAULT_AGENT_SETTINGS, marks, problems: [] };
}

export function usableSettings(asked: AgentSettings, before: UsableSettings): UsableSettings {
  const { interfacePrefix, iptablesMarkMask } = asked;
  const marks = markBits(iptablesMarkMask);
  const problems: DriverFailure[] = [];
  if (!marks)
    problems.push(
      problem('iptablesMarkMask', `0x${iptablesMarkMask.toString(16)}`, 'give it four bits or more'),
    );
  if (!isPrefix(interfacePrefix))
    problems.push(
      problem('interfacePrefix', JSON.stringify(interfacePrefix), 'use 1 to 11 letters and digits'),
    );
  return {
    settings: {
      ...asked,
      interfacePrefix: isPrefix(interfacePrefix) ? interfacePrefix : before.settings.interfacePrefix,
    },
    marks: marks ?? before.marks,
    problems,
  };
}

function isPrefix(text: string): boolean {
  return /^[A-Za-z0-9]{1,11}$/.test(text);
}

function problem(field: string, value: string, remedy: string): DriverFailure {
  return { object: 'AgentConfiguration', message: `${field} ${value} is not used: ${remedy}` };
}
