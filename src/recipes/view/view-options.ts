/** How a cached view is opened. */
import { CALL_FIELDS, checkSignal, checkTimeout } from '../../api/check-call.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { KeyValue } from '../../api/key-value.js'
import { LIMITS } from '../../base/limits.js'
import type { WaitOptions } from '../patience.js'

export type Decode<Value> = (keyValue: KeyValue) => Value

/** `signal` and `timeoutMs` are for opening only. */
export interface ViewOptions extends WaitOptions {
  /** Milliseconds between two questions to the cluster whether the view is up to date; each costs a linearizable read. Default 1000. */
  readonly checkEveryMs?: number | undefined
  /** Keys that the view may hold. Default: LIMITS.viewKeysMax. */
  readonly keysMax?: number | undefined
  /** Bytes of keys and values, as stored, that the view may hold. While it lists anew it takes twice that. Default: LIMITS.viewBytesMax. */
  readonly bytesMax?: number | undefined
}

export interface DecodedViewOptions<Value> extends ViewOptions {
  /**
   * What the view shows of a key: called once for each version, and not async. Where it throws the key is left out and is
   * among the `failures`, until it is put again.
   */
  readonly decode: Decode<Value>
}

export interface ViewChangesOptions {
  /** Ends the loop without an error. */
  readonly signal?: AbortSignal | undefined
  /**
   * How many changes may wait before those of one key become one; 1: always, so that only what is now is told. Default:
   * LIMITS.viewChangesMax.
   */
  readonly backlogMax?: number | undefined
}

const VIEW_FIELDS: Fields<DecodedViewOptions<unknown>> = {
  ...{ decode: true, checkEveryMs: true, keysMax: true, bytesMax: true },
  ...CALL_FIELDS,
}

const CHANGES_FIELDS: Fields<ViewChangesOptions> = { signal: true, backlogMax: true }

/** Throws TypeError or RangeError. */
export function checkChangesOptions(options: ViewChangesOptions): void {
  checkFields(options, CHANGES_FIELDS, 'changes()')
  checkSignal(options.signal)
  const { backlogMax = 1 } = options
  if (typeof backlogMax !== 'number') throw new TypeError(`backlogMax must be a number, not ${kind(backlogMax)}`)
  if (!(backlogMax >= 1)) throw new RangeError(`backlogMax must be at least 1, not ${backlogMax}`)
}

/** Throws TypeError or RangeError. */
export function checkViewOptions(options: ViewOptions & { readonly decode?: unknown }, what: string): void {
  checkFields(options, VIEW_FIELDS, what)
  const { decode, checkEveryMs = LIMITS.viewCheckMs, keysMax = 1, bytesMax = 1 } = options
  if (decode !== undefined && typeof decode !== 'function') {
    throw new TypeError(`decode must be a function of a KeyValue, not ${kind(decode)}`)
  }
  const leastMs = LIMITS.viewCheckMsMin
  for (const [name, given] of Object.entries({ checkEveryMs, keysMax, bytesMax })) {
    if (typeof given !== 'number') throw new TypeError(`${name} must be a number, not ${kind(given)}`)
  }
  if (!(checkEveryMs >= leastMs && Number.isFinite(checkEveryMs))) {
    throw new RangeError(`checkEveryMs must be at least ${leastMs} milliseconds, not ${String(checkEveryMs)}`)
  }
  for (const [name, bound] of Object.entries({ keysMax, bytesMax })) {
    if (!(bound > 0)) throw new RangeError(`${name} must be a positive number, not ${String(bound)}`)
  }
  checkTimeout(options.timeoutMs)
  checkSignal(options.signal)
}
