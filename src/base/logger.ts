/**
 * Port of the log. Fields are data, not part of the text, so that one event always has one message to search for.
 * Never a secret and never a value of a user's key.
 */

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>

export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

const ignore = (): void => undefined

/** A logger that says nothing: the default of a library. */
export const SILENT: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
