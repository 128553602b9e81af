/**
 * Reads a folder of manifests, or one file, for a verb that needs nothing but the result: mistakes are printed, and
 * end it.
 *
 * A file is read by itself: what it refers to may stand in another one, so a name that it does not declare is a
 * warning.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { createLayout } from '../layout/create-layout.js';
import { type DiagnosticStyle, formatHuman } from '../loader/format-diagnostics.js';
import { isYamlName } from '../loader/ignore-file.js';
import type { SourceFile } from '../loader/sources/source.js';
import type { Diagnostic } from '../model/diagnostic.js';
import type { DesiredState } from '../model/resource.js';
import { checkManifests } from '../reconciler/check-manifests.js';
import type { CommonOptions } from './command.js';
import { type CliContext, type Colors, pickColors } from './context.js';
import { CliError, EXIT } from './exit-codes.js';
import { type FolderOptions, openFolderSource } from './source-options.js';

export interface CheckedFolder {
  readonly state: DesiredState;
  readonly diagnostics: readonly Diagnostic[];
  readonly files: number;
  /** What the names of files in diagnostics are relative to. */
  readonly folder: string;
}

/**
 * Reads and checks, and judges nothing.
 *
 * @throws {CliError} when there is no such folder or file
 */
export async function checkFolder(
  context: CliContext,
  path: string,
  options: FolderOptions = {},
): Promise<CheckedFolder> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isFile()) {
    const { state, diagnostics } = checkManifests([await readOne(path)], createLayout(), { isPart: true });
    return { state, diagnostics: diagnostics.flatMap(asOfOneFile), files: 1, folder: dirname(path) };
  }
  if (!found?.isDirectory())
    throw new CliError(
      EXIT.invalidInput,
      found ? `${path} is neither a folder nor a file` : `${path}: there is no such folder or file`,
      'name the folder that holds the manifests, or one manifest',
    );
  const { files } = await openFolderSource(context.environment, path, options).read(context.signal);
  const { state, diagnostics } = checkManifests(files, createLayout());
  return { state, diagnostics, files: files.length, folder: path };
}

async function readOne(path: string): Promise<SourceFile> {
  const name = basename(path);
  if (!isYamlName(name))
    throw new CliError(EXIT.invalidInput, `${path} is not a manifest`, 'manifests end in .yaml or .yml');
  return { path: name, blobId: name, bytes: await readFile(path) };
}

/** What is true of a file whatever others hold. */
function asOfOneFile(diagnostic: Diagnostic): Diagnostic[] {
  if (diagnostic.code === 'address-outside-pools') return [];
  if (diagnostic.code !== 'dangling-reference') return [diagnostic];
  const message = `${diagnostic.message} in this file`;
  return [{ ...diagnostic, severity: 'warning', message, hint: 'Validate the whole folder to be sure' }];
}

/** @throws {CliError} after printing every mistake */
export async function loadFolder(
  context: CliContext,
  path: string,
  options: Pick<CommonOptions, 'color'> & FolderOptions,
): Promise<CheckedFolder> {
  const checked = await checkFolder(context, path, options);
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
