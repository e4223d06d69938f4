/** How a configuration is opened. */
import { CALL_FIELDS, checkSignal, checkTimeout } from '../../api/check-call.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { WaitOptions } from '../patience.js'
import { checkSchema, type SchemaOutput, type StandardSchema } from './standard-schema.js'

/** `signal` and `timeoutMs` are for opening only. */
export interface ConfigurationOptions<Schema extends StandardSchema> extends WaitOptions {
  /** What a value must be: a schema of zod, valibot, arktype or whatever else keeps Standard Schema. It may be asynchronous. */
  readonly schema: Schema
  /** What is shown when nothing valid is stored. It is taken as it is. Default: none; then opening rejects. */
  readonly fallback?: SchemaOutput<Schema> | undefined
  /** What the schema is given of the stored text. Where it throws the value is not valid. Default: JSON.parse. */
  readonly parse?: ((text: string) => unknown) | undefined
  /** The opposite, for `set()`. Default: JSON.stringify. */
  readonly stringify?: ((value: unknown) => string) | undefined
  /** As of a `CachedView`. Default 1000. */
  readonly checkEveryMs?: number | undefined
}

const FIELDS: Fields<ConfigurationOptions<StandardSchema>> = {
  ...{ schema: true, fallback: true, parse: true, stringify: true, checkEveryMs: true },
  ...CALL_FIELDS,
}

/** Throws TypeError or RangeError. */
export function checkConfigurationOptions(options: ConfigurationOptions<StandardSchema>): void {
  if (options === undefined) throw new TypeError('Configuration.open() takes an object with at least a `schema`')
  checkFields(options, FIELDS, 'Configuration.open()')
  checkSchema(options.schema)
  for (const name of ['parse', 'stringify'] as const) {
    const given: unknown = options[name]
    if (given === undefined || typeof given === 'function') continue
    throw new TypeError(`${name} must be a function, not ${kind(given)}`)
  }
  checkTimeout(options.timeoutMs)
  checkSignal(options.signal)
}
