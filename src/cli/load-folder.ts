/**
 * Reads a folder of manifests for a verb that needs nothing but the result: mistakes are printed, and end it.
 */
import { stat } from 'node:fs/promises';
import { compileState } from '../layout/compile.js';
import { createLayout } from '../layout/create-layout.js';
import { type DiagnosticStyle, formatHuman, hasErrors } from '../loader/format-diagnostics.js';
import { loadManifests } from '../loader/load.js';
import type { Diagnostic } from '../model/diagnostic.js';
import type { DesiredState } from '../model/resource.js';
import type { CommonOptions } from './command.js';
import { type CliContext, type Colors, pickColors } from './context.js';
import { CliError, EXIT } from './exit-codes.js';
import { openFolderSource } from './source-options.js';

export interface CheckedFolder {
  readonly state: DesiredState;
  readonly diagnostics: readonly Diagnostic[];
  readonly files: number;
}

/** Reads and checks, and judges nothing. @throws {CliError} when there is no such folder */
export async function checkFolder(context: CliContext, path: string): Promise<CheckedFolder> {
  const isThere = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere)
    throw new CliError(EXIT.source, `${path} is no folder`, 'name the folder that holds the manifests');
  const tree = await openFolderSource(path).read(context.signal);
  const { state, diagnostics } = loadManifests(tree.files);
  const compiled = hasErrors(diagnostics) ? [] : compileState(state, createLayout()).diagnostics;
  return { state, diagnostics: [...diagnostics, ...compiled], files: tree.files.length };
}

/** @throws {CliError} after printing every mistake */
export async function loadFolder(
  context: CliContext,
  path: string,
  options: Pick<CommonOptions, 'color'>,
): Promise<CheckedFolder> {
  const checked = await checkFolder(context, path);
  const errors = checked.diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    context.err(formatHuman(errors, diagnosticStyle(pickColors(options.color, context))));
    throw new CliError(EXIT.invalidInput, `${path} cannot be used as it is`);
  }
  return checked;
}

export function diagnosticStyle({ red, yellow, bold, dim }: Colors): DiagnosticStyle {
  return { error: red, warning: yellow, place: bold, dim };
}
