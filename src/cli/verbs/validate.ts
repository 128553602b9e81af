/**
 * `heddle validate`: is every manifest of a folder, or of one file, right? Offline; every mistake at once.
 */
import { formatGithub, formatHuman, formatReport, hasErrors } from '../../loader/format-diagnostics.js';
import { type CommonOptions, flag, type Verb, verb } from '../command.js';
import { pickColors } from '../context.js';
import { EXIT } from '../exit-codes.js';
import { checkFolder, diagnosticStyle } from '../load-folder.js';

interface ValidateOptions extends CommonOptions {
  readonly strict?: boolean;
}

export const validate: Verb = (context) =>
  verb(context, 'validate', 'check every manifest of a folder, or of one file', {
    outputs: ['human', 'json', 'github'],
  })
    .argument('[path]', 'folder of manifests, or one manifest', '.')
    .addOption(flag(context.environment, '--strict', 'a warning is a mistake, too: exit 3'))
    .action(async (path: string, options: ValidateOptions) => {
      const { state, diagnostics, files, folder } = await checkFolder(context, path);
      const isValid = options.strict ? diagnostics.length === 0 : !hasErrors(diagnostics);
      const colors = pickColors(options.color, context);
      if (options.output === 'json')
        context.out(`${JSON.stringify({ ...formatReport(diagnostics), valid: isValid })}\n`);
      else if (options.output === 'github')
        context.out(formatGithub(diagnostics, folder === '.' ? '' : folder));
      else {
        context.out(formatHuman(diagnostics, diagnosticStyle(colors)));
        const verdict = isValid ? colors.green('valid') : colors.red('not valid');
        context.out(
          `${path}: ${verdict} (${counted(state.size, 'resource')} in ${counted(files, 'file')})\n`,
        );
      }
      if (!isValid) context.exitWith(EXIT.invalidInput);
    });

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
