/**
 * Where library code says what it does: a constant message and fields, never formatted text.
 *
 * An error is logged once, by whoever handles it. The CLI makes the one implementation (pino, JSON lines).
 */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}
