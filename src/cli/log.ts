/**
 * The one logger: JSON lines on standard error (pino), so that standard output stays the result's.
 */
import { destination, pino, stdTimeFunctions } from 'pino';
import type { Log } from '../model/log.js';
import type { CommonOptions } from './command.js';

const STDERR = 2;

export function createLog(
  level: CommonOptions['logLevel'],
  bindings: Readonly<Record<string, unknown>> = {},
): Log {
  const logger = pino(
    {
      level,
      base: bindings,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['password', '*.password', 'token', '*.token'], censor: '<redacted>' },
    },
    destination({ fd: STDERR, sync: true }),
  );
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
  };
}
