/**
 * `heddle validate`: is every manifest of a folder, or of one file, right? Offline; every mistake at once.
 */
import { formatGithub, formatHuman, formatReport, hasErrors } from '../loader/format-diagnostics.js';
import { type CommonOptions, type Verb, verb } from './command.js';
import { pickColors } from './context.js';
import { EXIT } from './exit-codes.js';
import { checkFolder, diagnosticStyle } from './load-folder.js';

export const validate: Verb = (context) =>
  verb(context, 'validate', 'check every manifest of a folder, or of one file', {
    outputs: ['human', 'json', 'github'],
  })
    .argument('[path]', 'folder of manifests, or one manifest', '.')
    .action(async (path: string, options: CommonOptions) => {
      const { state, diagnostics, files, folder } = await checkFolder(context, path);
      const colors = pickColors(options.color, context);
      if (options.output === 'json') context.out(`${JSON.stringify(formatReport(diagnostics))}\n`);
      else if (options.output === 'github')
        context.out(formatGithub(diagnostics, folder === '.' ? '' : folder));
      else {
        context.out(formatHuman(diagnostics, diagnosticStyle(colors)));
        const verdict = hasErrors(diagnostics) ? colors.red('not valid') : colors.green('valid');
        context.out(
          `${path}: ${verdict} (${counted(state.size, 'resource')} in ${counted(files, 'file')})\n`,
        );
      }
      if (hasErrors(diagnostics)) context.exitWith(EXIT.invalidInput);
    });

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
