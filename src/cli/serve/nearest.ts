/** Which of the names that are known was meant by one that is not. */
import { nearMiss } from '../../api/check-fields.js'

/** ` (did you mean ...?)`, or nothing. `before` is what names are written with. */
export function nearest(given: string, names: readonly string[], before = ''): string {
  const found = nearMiss(given, Object.fromEntries(names.map((name) => [name, true])))
  return found.replace('did you mean ', `did you mean ${before}`)
}
