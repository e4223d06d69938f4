/** What `watch()` takes, checked once, for whoever implements it. */
import { LIMITS } from '../base/limits.js'
import { checkBoolean } from './check-boolean.js'
import { checkSignal } from './check-call.js'
import { checkFields, type Fields } from './check-fields.js'
import type { WatchOptions, WatchTurns } from './watch.js'

const WATCH_FIELDS: Fields<WatchOptions> = {
  ...{ startRevision: true, previous: true, filter: true, signal: true },
  ...{ progress: true, fragmentBytesMax: true, mergeBytesMax: true, turns: true },
}
const PROGRESS_FIELDS: Fields<{ readonly everyMs: number }> = { everyMs: true }
/** etcd's. */
const PROGRESS_MS = 10 * 60_000
const FILTER_FIELDS: Fields<NonNullable<WatchOptions['filter']>> = { puts: true, deletes: true }

/** @internal Throws TypeError, RangeError. Gives the milliseconds of `progress`; undefined: only when asked. */
export function checkWatchOptions(options: WatchOptions): number | undefined {
  checkFields(options, WATCH_FIELDS, 'watch()')
  checkBoolean(options.previous, 'previous')
  checkFilter(options.filter)
  checkSignal(options.signal)
  const progressEveryMs = progressMsOf(options.progress)
  checkBytes(options.fragmentBytesMax, 'fragmentBytesMax')
  checkBytes(options.mergeBytesMax, 'mergeBytesMax')
  checkTurns(options.turns)
  return progressEveryMs
}

/** Throws TypeError for what is no filter. `puts: true` may have been meant as "puts only", which is `deletes: false`. */
function checkFilter(filter: WatchOptions['filter']): void {
  checkFields(filter, FILTER_FIELDS, 'the filter of watch()')
  for (const field of ['puts', 'deletes'] as const) {
    const value: unknown = filter?.[field]
    if (value === undefined || value === false) continue
    const other = field === 'puts' ? 'deletes' : 'puts'
    throw new TypeError(
      `${field} in the filter of watch() must be false, which leaves them out; ` +
        `to see ${field} only, say { ${other}: false }`,
    )
  }
}

function progressMsOf(progress: WatchOptions['progress']): number | undefined {
  if (progress === undefined) return undefined
  if (progress === true) return PROGRESS_MS
  if (typeof progress !== 'object') throw new TypeError(`progress must be true or { everyMs }, not ${String(progress)}`)
  checkFields(progress, PROGRESS_FIELDS, 'progress of watch()')
  const { everyMs } = progress
  const leastMs = LIMITS.watchProgressMsMin
  if (Number.isFinite(everyMs) && everyMs >= leastMs) return everyMs
  throw new RangeError(`everyMs of progress must be at least ${leastMs} milliseconds, not ${everyMs}`)
}

function checkBytes(bytesMax: number | undefined, name: string): void {
  if (bytesMax === undefined || (Number.isFinite(bytesMax) && bytesMax > 0)) return
  throw new RangeError(`${name} must be a positive number of bytes, not ${bytesMax}`)
}

function checkTurns(turns: WatchOptions['turns']): void {
  if (turns === undefined || typeof (turns as Partial<WatchTurns> | null)?.run === 'function') return
  throw new TypeError('turns of watch() must have a method run(kind, step)')
}
