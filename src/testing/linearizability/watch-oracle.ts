/**
 * What a watch of all keys saw, as an oracle for the etcd model: which change was really made at each revision.
 */
import { assertNever } from '../../base/assert.js'
import { asBuffer } from '../../base/bytes.js'
import type { WatchEvent } from '../../api/store.js'
import type { EtcdInput } from './etcd-calls.js'
import { keyValueData } from './etcd-calls.js'
import { describeChange } from './etcd-describe.js'
import type { EtcdState, Version } from './etcd-state.js'
import type { Oracle } from './model.js'
import { putsOf } from './etcd-hints.js'

type Change = Pick<Version, 'key' | 'value' | 'create' | 'mod' | 'version' | 'lease'>

/**
 * `events` in the order of their revisions, without gap. Before the first of them nothing is known; after the last,
 * nothing was changed.
 *
 * @example
 * check(history, etcdModel, { oracle: watchOracle(events) })
 */
export function watchOracle(events: readonly WatchEvent[]): Oracle<EtcdState, EtcdInput> {
  const byRevision = new Map<number, Change[]>()
  for (const event of events) {
    const change = changeOf(event)
    const changes = byRevision.get(event.revision)
    if (changes === undefined) byRevision.set(event.revision, [change])
    else changes.push(change)
  }
  const written = new Map<string, number[]>()
  for (const [revision, changes] of byRevision) {
    for (const { key, value, version } of changes) {
      if (version === 0) continue
      for (const name of [nameOf(key), nameOf(key, value)]) written.set(name, [...(written.get(name) ?? []), revision])
    }
  }
  const first = events[0]?.revision ?? Infinity
  const last = events[events.length - 1]?.revision ?? 0
  return {
    from: first,
    position: last,
    agrees: ({ revision, changes }) => {
      const known = byRevision.get(revision)
      if (known === undefined) return revision < first
      return known.length === changes.length && changes.every((change) => known.some((each) => same(each, change)))
    },
    *claims(input) {
      if (input.type !== 'put' && input.type !== 'txn') return
      for (const put of putsOf(input)) {
        yield* written.get(put.ignoreValue === true ? nameOf(put.key) : nameOf(put.key, put.value)) ?? []
      }
    },
    allows: (input, revision) => byRevision.get(revision)?.every((change) => mayMake(input, change)) ?? true,
    describe: (revision) => byRevision.get(revision)?.map(describeChange).join(', ') ?? 'nothing',
  }
}

/** Of a write to this key: of any, or of this value. */
function nameOf(key: string, value?: string): string {
  return value === undefined ? JSON.stringify([key]) : JSON.stringify([key, value])
}

function changeOf({ type, keyValue }: WatchEvent): Change {
  if (type === 'put') return keyValueData(keyValue)
  const { keyBytes, modRevision } = keyValue
  return { key: asBuffer(keyBytes).toString('latin1'), value: '', create: 0, mod: modRevision, version: 0 }
}

function same(left: Change, right: Change): boolean {
  return (
    left.key === right.key &&
    left.version === right.version &&
    left.value === right.value &&
    left.create === right.create &&
    left.lease === right.lease
  )
}

function mayMake(input: EtcdInput, { key, value, version }: Change): boolean {
  const deletion = version === 0
  switch (input.type) {
    case 'put':
      return !deletion && input.key === key && (input.value === value || input.ignoreValue === true)
    case 'delete':
      return deletion && (input.end !== undefined || input.key === key)
    case 'txn': {
      if (deletion) return true
      for (const put of putsOf(input)) if (mayMake(put, { key, value, create: 0, mod: 0, version })) return true
      return false
    }
    case 'revoke':
    case 'expire':
      return deletion
    case 'range':
    case 'get':
    case 'compact':
    case 'grant':
    case 'keep-alive':
    case 'time-to-live':
    case 'leases':
      return false
    default:
      return assertNever(input, 'input of a store')
  }
}
