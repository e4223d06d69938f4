/**
 * The differences that are meant: between etcd 3.4 and its later versions, of which we follow the later, and between etcd
 * and us. Each stands in docs/DIVERGENCE.md, and each must occur in a full run: else it is listed for nothing.
 *
 * A rule says what etcd's answer would be without the difference. It goes by what was asked, never by the answers alone.
 */
import { isDeepStrictEqual } from 'node:util'
import { LIMITS } from '../../src/base/limits.js'
import { equalObservations, type Answers } from './answers.js'
import type { Observation, SeenKeyResponse, SeenKeyValue, SeenRange, SeenWatch } from './observation.js'
import {
  FROM_KEY_ON,
  NO_LEASE,
  partsOf,
  revisionAt,
  ROOT,
  type CompareOperation,
  type KeyOperation,
  type Operation,
  type RangeOperation,
  type TransactionOperation,
} from './operation.js'

export interface Listed {
  readonly name: string
  /** What docs/DIVERGENCE.md says of it, in its first column. */
  readonly row: string
  /** etcd's answer as it would be without the difference; the same object where it does not concern this answer. */
  readonly rewrite: (operation: Operation, answers: Answers) => Observation
}

export const LISTED: readonly Listed[] = [
  {
    name: 'a range of keys only tells no lease',
    row: 'a range of keys only tells no lease',
    rewrite: (operation, { theirs }) => withoutLeases(operation, theirs),
  },
  refusedHere('a negative revision to read at is refused', ['INVALID_REVISION'], (part, answers) => {
    return part.type === 'range' && revisionAt(part.revision, answers.at) < 0
  }),
  refusedHere('a negative limit is misuse', ['RangeError'], (part) => part.type === 'range' && part.limit < 0),
  refusedHere('a compare with a negative number is misuse', ['RangeError'], (part, answers) => {
    return part.type === 'transaction' && part.compare.some((each) => numberOf(each, answers) < 0)
  }),
  refusedHere('a lease is asked for with a positive time', ['RangeError'], (part) => {
    return part.type === 'grant' && part.ttlSeconds <= 0
  }),
  refusedHere('a key has at most 64 KiB', ['etcdserver: request is too large'], (part) => {
    return 'key' in part && part.key.length > LIMITS.keyBytesMax
  }),
  refusedHere(
    'every pair of changes of one key in a transaction is seen',
    ['etcdserver: duplicate key given in txn request'],
    (part) => part.type === 'transaction' && hidesChanges(part),
  ),
  refusedHere(
    'transactions stand at most 8 deep inside each other',
    ['etcdserver: too many operations in txn request'],
    (part) => part.type === 'transaction' && depthOf(part) > LIMITS.transactionDepthMax,
  ),
  refusedHere(
    'revision 0 is compacted from the start',
    ['etcdserver: mvcc: required revision has been compacted'],
    (part, { at }) => part.type === 'compact' && revisionAt(part.revision, at) === 0 && at.compactRevision === 0,
  ),
  {
    name: 'a transaction that could be refused for several reasons',
    row: 'a transaction that could be refused for several reasons',
    rewrite: (operation, { theirs, ours }) => {
      const bothRefuse = 'error' in theirs && 'error' in ours
      if (operation.type !== 'transaction' || !bothRefuse) return theirs
      return FOUND_WHEN_APPLIED.has(theirs.error.text) && FOUND_WHEN_APPLIED.has(ours.error.text) ? ours : theirs
    },
  },
  {
    name: 'a watch of a range that holds no key waits',
    row: 'a watch of an interval without keys is open and shows nothing',
    rewrite: (_operation, { theirs, ours }) => {
      const [watches, seen] = [watchesOf(theirs), watchesOf(ours)]
      if ('error' in theirs || watches === undefined) return theirs
      const rewritten = watches.map((watch, at) => {
        return watch.ended?.reason === NO_KEY_TO_WATCH ? { ...watch, ended: seen?.[at]?.ended } : watch
      })
      return { ...theirs, response: { type: 'settle', watches: rewritten } }
    },
  },
  {
    name: 'a watch from the revision of the compaction on is told what was deleted at it',
    row: 'a watch from the revision of the compaction on is told what was deleted at it',
    rewrite: (_operation, { at, theirs, ours }) => {
      const [watches, seen] = [watchesOf(theirs), watchesOf(ours)]
      if ('error' in theirs || watches === undefined) return theirs
      const rewritten = watches.map((watch, nth) => {
        // It depends on how far 3.4 has come with removing what was compacted.
        const missing = (seen?.[nth]?.events ?? []).filter((event) => {
          const isTombstone = event.type === 'DELETE' && event.kv.modRevision === at.compactRevision
          return isTombstone && !watch.events.some((other) => isDeepStrictEqual(other, event))
        })
        return { ...watch, events: [...missing, ...watch.events].sort((a, b) => a.kv.modRevision - b.kv.modRevision) }
      })
      return { ...theirs, response: { type: 'settle', watches: rewritten } }
    },
  },
  {
    name: 'the hash up to the revision of the compaction is given',
    row: 'the hash up to the revision of the compaction is given',
    rewrite: (operation, { at, theirs, ours }) => {
      const concerns = operation.type === 'hash' && revisionAt(operation.revision, at) === at.compactRevision
      return concerns && 'error' in theirs && theirs.error.text === COMPACTED ? ours : theirs
    },
  },
  refusedHere(
    'what a nested transaction adds counts when there is no space left',
    ['etcdserver: mvcc: database space exceeded'],
    (part) => part.type === 'transaction' && [...part.success, ...part.failure].some(isTransaction),
  ),
  {
    name: 'a nested transaction that only reads is answered while members differ',
    row: 'a nested transaction that only reads is answered while members differ',
    rewrite: (operation, { theirs, ours }) => {
      const concerns = operation.type === 'transaction' && [...partsOf(operation)].every(readsOnly)
      return concerns && 'error' in theirs && theirs.error.text === CORRUPT ? ours : theirs
    },
  },
  refusedHere(
    'every call but the question whether authorization is enabled needs a user',
    ['etcdserver: user name is empty'],
    (part) => LEASE_CALLS.has(part.type) || (part.type === 'transaction' && touchesNoKey(part)),
  ),
  {
    name: 'the role `root` is told to allow everything',
    row: 'the role `root` is told to allow everything',
    rewrite: (operation, { theirs, ours }) => {
      return operation.type === 'role-get' && operation.role === ROOT.name && !('error' in theirs) ? ours : theirs
    },
  },
  refusedHere(
    'a permission for keys that there are none of is refused',
    ['etcdserver: invalid auth management'],
    (part) =>
      part.type === 'role-grant' && (part.key === '' || (part.rangeEnd > FROM_KEY_ON && part.rangeEnd <= part.key)),
  ),
  refusedHere(
    'what stands in a nested transaction needs permission, too',
    ['etcdserver: permission denied', 'etcdserver: user name is empty'],
    (part) => part.type === 'transaction' && [...part.success, ...part.failure].some(isTransaction),
  ),
  {
    name: 'what is equal in a sorted range comes in the order of its keys',
    row: 'a sort sees everything, then the limit cuts off; what is equal is in key order',
    rewrite: (operation, { theirs, ours }) => withRanges(operation, theirs, ours, inOrderOfKeys),
  },
  {
    name: 'a range is sorted before its limit counts',
    row: 'a sort sees everything, then the limit cuts off; what is equal is in key order',
    rewrite: (operation, { theirs, ours }) => withRanges(operation, theirs, ours, sortedBeforeLimit),
  },
  refusedHere(
    'who sees the keys of a lease must be allowed to read each',
    ['etcdserver: permission denied'],
    (part) => part.type === 'time-to-live' && part.keys,
  ),
  {
    name: 'a put in a transaction that shows what it replaced needs permission to read it',
    row: 'a put in a transaction that shows what it replaced needs permission to read it',
    rewrite: (operation, { theirs, ours }) => {
      const denied = 'error' in ours && ours.error.text === 'etcdserver: permission denied'
      const concerns = operation.type === 'transaction' && [...partsOf(operation)].some(showsPrevious)
      return denied && concerns ? ours : theirs
    },
  },
]

const LEASE_NOT_FOUND = 'etcdserver: requested lease not found'
const LEASE_CALLS: ReadonlySet<string> = new Set(['grant', 'revoke', 'keep-alive', 'time-to-live', 'leases'])

function touchesNoKey({ compare, success, failure }: TransactionOperation): boolean {
  return compare.length === 0 && success.length === 0 && failure.length === 0
}

const CORRUPT = 'etcdserver: corrupt cluster'
const COMPACTED = 'etcdserver: mvcc: required revision has been compacted'

const NO_KEY_TO_WATCH = 'mvcc: watcher range is empty'

function watchesOf(observation: Observation): readonly SeenWatch[] | undefined {
  if ('error' in observation || observation.response.type !== 'settle') return undefined
  return observation.response.watches
}

/** Why a transaction that is well-formed can be refused. */
const FOUND_WHEN_APPLIED: ReadonlySet<string> = new Set([
  'etcdserver: key not found',
  LEASE_NOT_FOUND,
  'etcdserver: mvcc: required revision has been compacted',
  'etcdserver: mvcc: required revision is a future revision',
])

/** The rules by which the answers are the same after all; undefined where they are not. */
export function explain(operation: Operation, answers: Answers): readonly Listed[] | undefined {
  if (equalObservations(answers.theirs, answers.ours)) return []
  const applied: Listed[] = []
  let { theirs } = answers
  for (const listed of LISTED) {
    const rewritten = listed.rewrite(operation, { ...answers, theirs })
    if (equalObservations(rewritten, theirs)) continue
    theirs = rewritten
    applied.push(listed)
  }
  return equalObservations(theirs, answers.ours) ? applied : undefined
}

/** We refuse, for this reason, what etcd takes; or what it refuses, too, for another reason that it looks at first. */
function refusedHere(
  name: string,
  reasons: readonly string[],
  concerns: (part: Operation, answers: Answers) => boolean,
): Listed {
  return {
    name,
    row: name,
    rewrite: (operation, answers) => {
      const { theirs, ours } = answers
      if (!('error' in ours) || !reasons.some((reason) => reason === ours.error.text || reason === ours.error.status)) {
        return theirs
      }
      for (const part of partsOf(operation)) if (concerns(part, answers)) return ours
      return theirs
    },
  }
}

function isTransaction({ type }: Operation): boolean {
  return type === 'transaction'
}

function showsPrevious(part: Operation): boolean {
  return part.type === 'put' && part.prevKv
}

function readsOnly({ type }: Operation): boolean {
  return type === 'transaction' || type === 'range'
}

function numberOf(compare: CompareOperation, { at }: Answers): number {
  if (compare.target === 'VERSION') return compare.version
  return compare.target === 'CREATE' || compare.target === 'MOD' ? revisionAt(compare.revision, at) : 0
}

function depthOf(operation: KeyOperation): number {
  if (operation.type !== 'transaction') return -1
  return 1 + Math.max(-1, ...[...operation.success, ...operation.failure].map(depthOf))
}

/** Whether it holds what etcd's search for changes that meet goes wrong at: a delete without end, or transactions inside. */
function hidesChanges({ success, failure }: KeyOperation & { type: 'transaction' }): boolean {
  const parts = [...success, ...failure]
  return parts.some((part) => part.type === 'transaction' || (part.type === 'delete' && part.rangeEnd === '\0'))
}

/** Gives every range of an answer, however deep, to `rewrite`, with ours beside it. */
function withRanges(
  operation: Operation,
  theirs: Observation,
  ours: Observation,
  rewrite: (operation: RangeOperation, theirs: SeenRange, ours: SeenRange) => SeenRange,
): Observation {
  if ('error' in theirs || 'error' in ours) return theirs
  const visit = (
    part: KeyOperation,
    response: SeenKeyResponse,
    other: SeenKeyResponse | undefined,
  ): SeenKeyResponse => {
    if (part.type === 'range' && response.type === 'range' && other?.type === 'range')
      return rewrite(part, response, other)
    if (part.type !== 'transaction' || response.type !== 'transaction' || other?.type !== 'transaction') return response
    const branch = response.succeeded ? part.success : part.failure
    const responses = response.responses.map((each, at) => visit(branch[at] as KeyOperation, each, other.responses[at]))
    return { ...response, responses }
  }
  const [response, other] = [theirs.response, ours.response]
  if (response.type !== 'range' && response.type !== 'transaction') return theirs
  return { ...theirs, response: visit(operation as KeyOperation, response, other as SeenKeyResponse) }
}

/** With as many keys as etcd sorts without keeping the order of what is equal, if all that counts is equal. */
function inOrderOfKeys({ sortTarget }: RangeOperation, theirs: SeenRange, ours: SeenRange): SeenRange {
  if (sortTarget === 'KEY' || theirs.count <= SORTED_IN_ORDER_MAX) return theirs
  const sorted = (range: SeenRange): readonly unknown[] => range.kvs.map((kv) => kv[SORTED_BY[sortTarget]])
  return isDeepStrictEqual(sorted(theirs), sorted(ours)) ? { ...theirs, kvs: ours.kvs } : theirs
}

/** Without an order, but by something else than the key, etcd sorts what the limit has left. */
function sortedBeforeLimit(operation: RangeOperation, theirs: SeenRange, ours: SeenRange): SeenRange {
  const { limit, sortOrder, sortTarget } = operation
  return limit > 0 && sortOrder === 'NONE' && sortTarget !== 'KEY' ? { ...theirs, kvs: ours.kvs } : theirs
}

/** Go sorts so few by insertion. */
const SORTED_IN_ORDER_MAX = 12

const SORTED_BY = { VERSION: 'version', CREATE: 'createRevision', MOD: 'modRevision', VALUE: 'value' } as const

function withoutLeases(operation: Operation, theirs: Observation): Observation {
  if ('error' in theirs) return theirs
  const { response } = theirs
  if (response.type !== 'range' && response.type !== 'transaction') return theirs
  return { ...theirs, response: responseWithoutLeases(operation as KeyOperation, response) }
}

function responseWithoutLeases(operation: KeyOperation, response: SeenKeyResponse): SeenKeyResponse {
  if (operation.type === 'range' && response.type === 'range') {
    return operation.keysOnly ? { ...response, kvs: response.kvs.map(withoutLease) } : response
  }
  if (operation.type === 'transaction' && response.type === 'transaction') {
    const branch = response.succeeded ? operation.success : operation.failure
    const responses = response.responses.map((each, at) => responseWithoutLeases(branch[at] as KeyOperation, each))
    return { ...response, responses }
  }
  return response
}

function withoutLease(kv: SeenKeyValue): SeenKeyValue {
  return { ...kv, lease: NO_LEASE }
}
