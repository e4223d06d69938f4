/** Who stands in the line, for the eyes of operators: nothing is decided by what is told here. */
import type { KeyValue } from '../../api/key-value.js'
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields } from '../../api/check-fields.js'
import type { Revision } from '../../api/operations.js'
import type { CallOptions, Store } from '../../api/store.js'
import { NO_LEASE, type LeaseId } from '../../base/lease-id.js'
import { readLine } from './line.js'
import type { Rule } from './obstacle.js'

/** One who holds or waits. */
export interface Contestant {
  /** What it said of itself; the name of its member where it said nothing. */
  readonly owner: string
  /** That it holds, as of the moment in which the line was read. */
  readonly holds: boolean
  readonly token: Revision
  readonly key: string
  /** Revoking it throws the owner out, with all else that stands on this lease. */
  readonly lease: LeaseId
}

/** The line of a name, in its order; `ruleOf` says which rule a contender is under. Linearizable. */
export async function listLine<Described extends Contestant>(
  store: Store,
  name: string,
  options: CallOptions,
  ruleOf: (contender: KeyValue) => Rule,
  describe: (contestant: Contestant, contender: KeyValue) => Described,
): Promise<readonly Described[]> {
  checkFields(options, CALL_FIELDS, 'line()')
  const { contenders } = await readLine(store, name, options)
  return contenders.map((contender, index) => {
    const { key, lease = NO_LEASE, createRevision: token } = contender
    const holds = ruleOf(contender)(contenders, index) === undefined
    return describe({ owner: contender.text(), holds, token, key, lease }, contender)
  })
}
