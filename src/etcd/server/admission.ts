/**
 * What every call must pass, whatever it asks for and through whichever door it comes.
 *
 * Always: a learner answers what it knows by itself, and nothing else: what it was told last may be old.
 */
import { StoreError } from '../../base/errors.js'
import type { Store } from '../../api/store.js'
import type { RangeRequest } from '../generated/rpc.js'
import { Refusal } from './refusal.js'

const RANGE = '/etcdserverpb.KV/Range'
/** Of a learner, besides a range that asks no other member. */
const OF_LEARNERS: ReadonlySet<string> = new Set([
  '/etcdserverpb.Maintenance/Status',
  '/etcdserverpb.Maintenance/Snapshot',
])

export class Admission {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Throws a {@link Refusal} or a StoreError.
   *
   * @param path of the method: `/etcdserverpb.KV/Range`.
   * @param request undefined of one that has several.
   * @param needsLeader the client wants no answer of a member that knows no leader: `hasleader` in its metadata.
   */
  check(path: string, request: unknown, needsLeader: boolean): void {
    const { leader, learner } = this.#store.position()
    if (learner && !OF_LEARNERS.has(path) && !(path === RANGE && (request as RangeRequest).serializable)) {
      throw new Refusal('FAILED_PRECONDITION', 'etcdserver: rpc not supported for learner')
    }
    if (needsLeader && leader === undefined) throw noLeader()
  }
}

export function noLeader(): StoreError {
  return new StoreError('NO_LEADER', 'This member knows no leader, and the caller asked for one that does.')
}
