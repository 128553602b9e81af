/**
 * The registry of verbs, in the order in which help lists them. Adding one is one file and one line here.
 */
import { agent } from './agent.js';
import { apply } from './apply.js';
import { bgp } from './bgp.js';
import { blame } from './blame.js';
import type { Verb } from './command.js';
import { get } from './get.js';
import { history } from './history.js';
import { init } from './init.js';
import { lab } from './lab.js';
import { reconcile } from './reconcile.js';
import { render } from './render.js';
import { rollback } from './rollback.js';
import { schema } from './schema.js';
import { status } from './status.js';
import { resume, suspend } from './suspend.js';
import { test } from './test.js';
import { trace } from './trace.js';
import { validate } from './validate.js';
import { wait } from './wait.js';

export const verbs: readonly Verb[] = [
  init,
  validate,
  test,
  trace,
  bgp,
  reconcile,
  apply,
  agent,
  status,
  get,
  wait,
  history,
  blame,
  rollback,
  suspend,
  resume,
  render,
  schema,
  lab,
];
