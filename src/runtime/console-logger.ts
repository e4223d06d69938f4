/** A logger for people: one line per event on standard error. */
import type { LogFields, Logger } from '../base/logger.js'

/** @param name stands in front of every line, to tell several members in one terminal apart. */
export function consoleLogger(name: string): Logger {
  const line =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      const rest = Object.entries(fields)
        .filter(([, value]) => value !== undefined)
        .map(([field, value]) => ` ${field}=${String(value)}`)
        .join('')
      process.stderr.write(`${new Date().toISOString()} ${level.padEnd(5)} ${name}: ${message}${rest}\n`)
    }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}
