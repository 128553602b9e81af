/**
 * The whole text that a host's packet filter is given, kept as files so that whoever reviews a change sees
 * what becomes of it.
 */
import test from 'ava';
import { ipSetsText, iptablesText } from '../../../src/agent/dataplane/backends/iptables/render-text.js';
import { matchesGolden } from '../../helpers/golden.js';
import { desiredOf, GOLDENS } from './goldens.js';

for (const [name, batch] of Object.entries(GOLDENS))
  for (const family of desiredOf(batch).families)
    test(`a host with ${name} gets the IPv${family.family} rules and sets in test/golden/iptables`, async (t) => {
      await matchesGolden(t, `iptables/${name}.v${family.family}.iptables`, iptablesText(family));
      await matchesGolden(t, `iptables/${name}.v${family.family}.ipsets`, ipSetsText(family));
    });
