/**
 * What a host would be given, as files that the tools take: for `heddle render`, on a kernel that has nothing of
 * ours yet.
 *
 * Sets come first, rules name them. Everything is sorted, so that two texts can be compared.
 */
import { compareText } from '../../../../model/compare-text.js';
import type { IpSetId } from '../../../calc/updates.js';
import type { RecordedFamily } from '../../desired-record.js';
import { TABLES } from '../../intent.js';
import { elementsOf } from './ip-set-elements.js';
import { ipSetName } from './ip-set-names.js';
import { ipSetInput, setLines } from './ip-set-restore-input.js';
import type { RenderContext } from './render.js';
import { restoreInput, type TableEdit } from './restore-input.js';
import { renderChain, renderHook } from './table-state.js';

/** For `iptables-restore --noflush`, or ip6tables-restore. @throws {RenderError} for a name that is unfit. */
export function iptablesText({ family, chains, hooks }: RecordedFamily): string {
  const context: RenderContext = { family, setName: (id) => ipSetName(family, 0, id) };
  const tables = TABLES.map((table) => {
    const edits: readonly TableEdit[] = [
      ...[...chains.values()]
        .filter((chain) => chain.table === table)
        .sort((a, b) => compareText(a.name, b.name))
        .map(
          (chain): TableEdit => ({
            type: 'chain',
            desired: renderChain(chain, context),
            actual: undefined,
          }),
        ),
      ...[...hooks.values()]
        .filter((hook) => hook.table === table)
        .sort((a, b) => compareText(a.hook, b.hook))
        .map(
          (hook): TableEdit => ({
            type: 'hook',
            name: hook.hook,
            desired: renderHook(hook, context),
            actual: undefined,
          }),
        ),
    ];
    return edits.length === 0 ? '' : restoreInput(table, edits);
  });
  return tables.join('');
}

/** For `ipset restore`; empty when there are no sets. */
export function ipSetsText({ family, sets }: Pick<RecordedFamily, 'family' | 'sets'>): string {
  const lines = [...sets]
    .sort(([a], [b]) => compareText(a, b))
    .flatMap(([id, { type, members }]) => {
      const elements = [...new Set([...members].flatMap(elementsOf))].sort(compareText);
      const name = ipSetName(family, 0, id satisfies IpSetId);
      const header = { type, family };
      return setLines({ name, header, exists: false, members: elements, added: [], removed: [] });
    });
  return lines.length === 0 ? '' : ipSetInput(lines);
}
