/**
 * A store with revisions, transactions, leases and compaction, as its calls were recorded by `record()`.
 *
 * Always: the history begins with an empty store, and holds every call that may have changed it. That a lease ends by
 * itself is taken to be possible at any time after it was granted: whether it was due is not a matter of order.
 */
import { assertNever } from '../../base/assert.js'
import type { Call } from './call.js'
import type { EtcdInput, EtcdOutput, EtcdResult } from './etcd-calls.js'
import { describeEtcdState, describeInput, describeOutput, describeResult } from './etcd-describe.js'
import { etcdHints } from './etcd-hints.js'
import { perform, rangeOf, readable, sameKeyValue, sameResult } from './etcd-perform.js'
import { Draft, EMPTY_STATE, ENDED, leaseExists, sameState, versionAt, type EtcdState } from './etcd-state.js'
import { UNKNOWN, type Model, type Place } from './model.js'

export const etcdModel: Model<EtcdState, EtcdInput, EtcdOutput> = {
  name: 'etcd',
  init: () => EMPTY_STATE,
  step,
  equal: sameState,
  hash: ({ hash, revision }) => (hash ^ Math.imul(revision, 0x9e3779b1)) >>> 0,
  describe: (input, output) => `${describeInput(input)} → ${output === UNKNOWN ? '?' : describeOutput(output)}`,
  describeState: describeEtcdState,
  explain,
  stale: (input) => (input.type === 'range' || input.type === 'get' || input.type === 'leases') && input.local === true,
  spontaneous: leaseEnds,
  witness: {
    position: ({ revision }) => revision,
    place: placeOf,
    quiet: ({ type }) => type === 'grant' || type === 'revoke' || type === 'compact',
    // Not a read of the past, which depends on what was compacted when, nor what hangs on a lease.
    settled: (input) =>
      ((input.type === 'range' || input.type === 'get') && input.revision === undefined) ||
      input.type === 'delete' ||
      (input.type === 'put' && input.lease === undefined),
    hints: etcdHints,
  },
}

function step(state: EtcdState, input: EtcdInput, output: EtcdOutput | typeof UNKNOWN): EtcdState | undefined {
  switch (input.type) {
    case 'put':
    case 'delete':
    case 'txn':
    case 'range': {
      const performed = perform(state, input)
      if (output === UNKNOWN) return performed?.state
      if (performed === undefined || !('revision' in output) || output.revision !== performed.state.revision) {
        return undefined
      }
      return sameResult(performed.result, output) ? performed.state : undefined
    }
    case 'get': {
      if (output === UNKNOWN) return undefined
      if (output.type !== 'get' || !readable(state, input.revision)) return undefined
      const found = versionAt(state.keys.get(input.key), input.revision ?? state.revision)
      return sameKeyValue(found, output.found) ? state : undefined
    }
    case 'compact':
      // That history may be gone explains no answer: of unknown outcome it need not have been.
      if (output === UNKNOWN || input.revision <= state.compacted || input.revision > state.revision) return undefined
      return { ...state, compacted: input.revision }
    case 'grant':
      return grant(state, input.lease ?? leaseOf(output))
    case 'revoke':
      // Of unknown outcome it does what the end of the lease's time may do as well.
      return output === UNKNOWN || !leaseExists(state.leases, input.lease) ? undefined : end(state, input.lease)
    case 'expire': {
      const keys = state.leases.get(input.lease)
      return keys === undefined || keys.length === 0 ? undefined : end(state, input.lease)
    }
    case 'keep-alive':
    case 'time-to-live':
      return knowsLease(state, input.lease, output) ? state : undefined
    case 'leases':
      return knowsLeases(state, output) ? state : undefined
    default:
      return assertNever(input, 'input of a store')
  }
}

/** A lease without keys may have ended unseen, so that its id can be granted again. */
function grant(state: EtcdState, lease: string | undefined): EtcdState | undefined {
  if (lease === undefined) return undefined
  if ((state.leases.get(lease)?.length ?? 0) > 0) return undefined
  const draft = new Draft(state)
  draft.setLease(lease, [])
  return draft.finish()
}

function leaseOf(output: EtcdOutput | typeof UNKNOWN): string | undefined {
  return output !== UNKNOWN && output.type === 'grant' ? output.lease : undefined
}

function end(state: EtcdState, lease: string): EtcdState {
  const draft = new Draft(state)
  for (const key of state.leases.get(lease) ?? []) {
    const version = draft.keys.get(key)
    if (version !== undefined && version.version > 0) draft.delete(version)
  }
  draft.setLease(lease, ENDED)
  return draft.finish()
}

/**
 * Leases are renewed and asked about where the leader keeps their time, not in the order of the changes: that the lease
 * was granted before is all that is demanded.
 */
function knowsLease(state: EtcdState, lease: string, output: EtcdOutput | typeof UNKNOWN): boolean {
  if (output === UNKNOWN) return false
  if (output.type === 'time-to-live' && !output.exists) return true
  const hanging = state.leases.get(lease)
  if (hanging === undefined) return false
  if (output.type !== 'time-to-live' || output.keys === undefined) return true
  const keys = [...hanging].sort()
  return keys.length === output.keys.length && keys.every((key, at) => key === output.keys?.[at])
}

/**
 * None that is told of has ended; each with keys is told of. One without keys may have ended unseen, and one whose grant was
 * never answered is told of though its id was never heard.
 */
function knowsLeases(state: EtcdState, output: EtcdOutput | typeof UNKNOWN): boolean {
  if (output === UNKNOWN || output.type !== 'leases') return false
  const told = new Set(output.leases)
  if (output.leases.some((lease) => state.leases.get(lease) === ENDED)) return false
  let all = true
  state.keys.visit('', '\0', ({ version, lease }) => {
    all = version === 0 || lease === undefined || told.has(lease)
    return all
  })
  return all
}

/** Each lease's time may be over, after it was granted. Only with keys does that change anything. */
function* leaseEnds(
  calls: readonly Call<EtcdInput, EtcdOutput>[],
): Iterable<{ readonly after: number; readonly input: EtcdInput }> {
  const granted = new Set<string>()
  for (const { input, output, outcome, invoked } of calls) {
    if (input.type !== 'grant' || outcome === 'refused') continue
    const lease = input.lease ?? (output?.type === 'grant' ? output.lease : undefined)
    if (lease === undefined) continue
    // A second lease of the same name may end, too; and what has ended cannot end again.
    if (!granted.has(lease) || input.lease !== undefined) yield { after: invoked, input: { type: 'expire', lease } }
    granted.add(lease)
  }
}

function placeOf(input: EtcdInput, output: EtcdOutput): Place | undefined {
  switch (output.type) {
    case 'put':
    case 'range':
    case 'delete':
    case 'txn':
      return { position: output.revision, change: changes(output) }
    case 'get': {
      if (input.type !== 'get' || input.local !== true) return undefined
      // It may be as old as it likes: it was right when what it found was written, and nothing is there at first.
      const position = input.revision ?? output.found?.mod ?? EMPTY_STATE.revision
      return { position, change: false }
    }
    case 'grant':
    case 'time-to-live':
    case 'leases':
    case 'done':
      return undefined
    default:
      return assertNever(output, 'output of a store')
  }
}

function changes(result: EtcdResult): boolean {
  switch (result.type) {
    case 'put':
      return true
    case 'range':
      return false
    case 'delete':
      return result.deleted > 0
    case 'txn':
      return result.results.some(changes)
    default:
      return assertNever(result, 'result')
  }
}

/** What it would have answered in this state. */
function explain(state: EtcdState, input: EtcdInput): string {
  switch (input.type) {
    case 'range':
      if (!readable(state, input.revision)) return `revision ${input.revision} cannot be read then`
      return `${describeResult(rangeOf(state, input))} at revision ${state.revision}`
    case 'put':
    case 'delete':
    case 'txn': {
      const performed = perform(state, input)
      if (performed === undefined) return 'a refusal'
      return `${describeResult(performed.result)} at revision ${performed.state.revision}`
    }
    case 'get': {
      const found = versionAt(state.keys.get(input.key), input.revision ?? state.revision)
      return describeOutput(found === undefined ? { type: 'get' } : { type: 'get', found })
    }
    case 'compact':
      return `a refusal, history goes from ${state.compacted} to ${state.revision}`
    case 'grant':
    case 'revoke':
    case 'keep-alive':
    case 'time-to-live':
    case 'leases':
    case 'expire':
      return 'a refusal'
    default:
      return assertNever(input, 'input of a store')
  }
}
