/**
 * `heddle test`: do the ConnectivityTests of a folder hold, in its manifests or in the live store?
 */
import type { Command } from 'commander';
import { runTests, type TestResult } from '../../verify/connectivity-test.js';
import { networkFrom } from '../../verify/network.js';
import { formatTestReport } from '../../verify/render/test-report.js';
import { type CommonOptions, type Verb, verb } from '../command.js';
import { pickColors } from '../context.js';
import { addEtcdOptions, DEFAULT_PATH, type EtcdOptions, storeOrFolder } from '../etcd-options.js';
import { EXIT } from '../exit-codes.js';
import { type LoadedNetwork, loadTests } from '../load-network.js';
import { verifyStyle } from '../verify-style.js';

export const test: Verb = (context) =>
  addEtcdOptions(verb(context, 'test', 'do the ConnectivityTests of a folder hold?'), context)
    .argument(
      '[path]',
      `folder of manifests; with --etcd its tests are put to the live store ${DEFAULT_PATH}`,
    )
    .action(async (path: string | undefined, given: CommonOptions & EtcdOptions, self: Command) => {
      const options = storeOrFolder(given, self, path);
      const { resources, tests, withHistory } = await loadTests(context, path ?? '.', options);
      const judged = runTests(networkFrom(resources), tests);
      const results = await Promise.all(judged.results.map((result) => annotate(result, withHistory)));
      const report = { ...judged, results };
      const colors = pickColors(options.color, context);
      const where =
        options.etcd === undefined ? '' : colors.dim('put to what etcd holds, not to the manifests\n');
      context.out(
        options.output === 'json'
          ? `${JSON.stringify(report)}\n`
          : `${formatTestReport(report, verifyStyle(colors))}${where}`,
      );
      if (report.failed > 0) context.exitWith(EXIT.connectivity);
    });

async function annotate(result: TestResult, withHistory: LoadedNetwork['withHistory']): Promise<TestResult> {
  const { counterexample } = result;
  return counterexample ? { ...result, counterexample: await withHistory(counterexample) } : result;
}
