/** What the quota of a prefix may be, checked once, for whoever implements it. */
import { checkFields, type Fields } from './check-fields.js'
import type { PrefixLimits } from './maintenance.js'

const PREFIX_LIMIT_FIELDS: Fields<PrefixLimits> = { keysMax: true, bytesMax: true }

/** @internal Throws TypeError, RangeError. */
export function checkPrefixLimits(limits: PrefixLimits): Record<keyof PrefixLimits, number | undefined> {
  checkFields(limits, PREFIX_LIMIT_FIELDS, 'setPrefixQuota()')
  const { keysMax, bytesMax } = limits
  if (keysMax === undefined && bytesMax === undefined) {
    throw new TypeError('the quota of a prefix has keysMax, bytesMax or both; give undefined in its place to end it')
  }
  for (const [name, limit] of [['keysMax', keysMax] as const, ['bytesMax', bytesMax] as const]) {
    if (limit === undefined || (Number.isSafeInteger(limit) && limit >= 0)) continue
    throw new RangeError(`${name} must be a whole number from 0 on, not ${String(limit)}`)
  }
  return { keysMax, bytesMax }
}
