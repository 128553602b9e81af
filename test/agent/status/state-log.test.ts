/** The log says what is new of a host and nothing twice: one story, and its lines. */
import test from 'ava';
import { StateLog } from '../../../src/agent/status/state-log.js';
import type { Log } from '../../../src/model/log.js';

test('a state is logged when it, its reason or its commit is another; what is only applying is not', (t) => {
  const lines: string[] = [];
  const note =
    (level: string) =>
    (message: string, details: object = {}): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(details)}`);
  const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const states = new StateLog(log);
  const at = (commit: string) => ({ default: { seq: 1, commit } });
  states.report({ state: 'applying', sources: {} });
  states.report({ state: 'degraded', error: 'Node host-9: is not in the store', sources: {} });
  states.report({ state: 'degraded', error: 'Node host-9: is not in the store', sources: {} });
  states.report({ state: 'live', sources: at('aa') });
  states.report({ state: 'applying', sources: at('aa') });
  states.report({ state: 'live', sources: at('aa') });
  states.report({ state: 'live', sources: at('bb') });
  t.deepEqual(lines, [
    'warn host is degraded {"commits":{},"reason":"Node host-9: is not in the store"}',
    'info host is live {"commits":{"default":"aa"}}',
    'info host is live {"commits":{"default":"bb"}}',
  ]);
});
