/**
 * The log of the server: an object of JSON in each line, with the fields that collectors know from etcd (`level`, `ts`,
 * `caller`, `msg`), or the same as text. What is logged, and that no secret is in it, is the matter of those who log.
 */
import type { Logger, LogFields } from '../../base/logger.js'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'panic' | 'fatal'

export interface LogSettings {
  readonly level: LogLevel
  readonly format: 'json' | 'console'
  readonly wallMs: () => number
  /** A line with its end. */
  readonly write: (line: string) => void
}

/** Of the least weight first. */
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'panic', 'fatal']
const RESERVED: readonly string[] = ['level', 'ts', 'caller', 'msg']

export class ServerLog {
  readonly #settings: LogSettings

  constructor(settings: LogSettings) {
    this.#settings = settings
  }

  /** @param caller which part of the program speaks. */
  named(caller: string): Logger {
    const at =
      (level: LogLevel) =>
      (message: string, fields: LogFields = {}): void => {
        this.write(level, caller, message, fields)
      }
    return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  }

  write(level: LogLevel, caller: string, message: string, fields: LogFields): void {
    const { format, write, wallMs, level: least } = this.#settings
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return
    const ts = new Date(wallMs()).toISOString()
    const own = Object.fromEntries(Object.entries(fields).map(([name, value]) => [fieldNamed(name), value]))
    if (format === 'json') {
      write(`${JSON.stringify({ level, ts, caller, msg: message, ...own })}\n`)
      return
    }
    const rest = JSON.stringify(own)
    write(`${[ts, level, caller, oneLine(message), ...(rest === '{}' ? [] : [rest])].join('\t')}\n`)
  }
}

function fieldNamed(name: string): string {
  return RESERVED.includes(name) ? `${name}_` : name
}

function oneLine(message: string): string {
  return message.replaceAll('\n', '\\n')
}
