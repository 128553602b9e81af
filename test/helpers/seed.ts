/**
 * The seed of all that tests draw: the same in every run, so that a run that fails fails for what was changed. Another
 * is HEDDLE_SEED; with HEDDLE_SOAK, a search, each process has one of its own. package.json has ava load this first.
 */
import { env } from 'node:process';
import fc from 'fast-check';

const USUAL = 20_240_901;

export const SEED = Number(env.HEDDLE_SEED ?? (env.HEDDLE_SOAK ? Math.floor(Math.random() * 1e6) : USUAL));

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: SEED });
