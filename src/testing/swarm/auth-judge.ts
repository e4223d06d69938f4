/**
 * R24, where users hear it: an answer, an event of a watch, the keys of a lease or the text of an error holds nothing that
 * the user could not read at some moment between call and answer.
 *
 * When that was is told by the log: who could read what after which of its entries (checkers/auth-checker.ts).
 */
import type { WatchEvent } from '../../api/store.js'
import { asBuffer, type Key } from '../../base/bytes.js'
import type { Index } from '../../raft/types.js'
import type { Call } from '../linearizability/call.js'
import type { EtcdInput, EtcdKeyValue, EtcdOutput, EtcdResult } from '../linearizability/etcd-calls.js'
import { assertNever } from '../../base/assert.js'
import { RunFailure } from './failure.js'
import type { Operation } from './operation.js'

/** A user who asks a member. */
export interface Caller {
  readonly user: string
  readonly member: string
}

/** What the checkers know. */
export interface Permissions {
  /** The last entry that changed what anybody may reach. */
  readonly latest: () => Index
  readonly appliedIndexOf: (member: string) => Index
  /** Whether the user could read the key after some entry from the one on through the other one. */
  readonly mayRead: (user: string, key: Key, from: Index, through: Index) => boolean
}

interface Asked extends Caller {
  /** What is decided of it is decided when this entry is applied, or later. */
  readonly from: Index
}

type EtcdCall = Call<EtcdInput, EtcdOutput>

export class AuthJudge {
  readonly #permissions: Permissions
  /** Who is behind each line of the history now. */
  readonly #callers = new Map<string, Caller>()
  readonly #asked = new Map<EtcdCall, Asked>()

  constructor(permissions: Permissions) {
    this.#permissions = permissions
  }

  /** From now on this line of the history is that of this user; undefined: of the process that holds the member. */
  from(client: string, caller: Caller | undefined): void {
    if (caller === undefined) this.#callers.delete(client)
    else this.#callers.set(client, caller)
  }

  asked(call: EtcdCall): void {
    const caller = this.#callers.get(call.client)
    if (caller === undefined) return
    const { latest, appliedIndexOf } = this.#permissions
    // What is not linearizable goes by the permissions that the member has, too.
    const from = 'local' in call.input ? Math.min(latest(), appliedIndexOf(caller.member)) : latest()
    this.#asked.set(call, { ...caller, from })
  }

  /** Throws RunFailure. */
  answered(call: EtcdCall): void {
    const asked = this.#asked.get(call)
    if (asked === undefined) return
    this.#asked.delete(call)
    const { output, reason } = call
    if (output !== undefined)
      for (const key of keysIn(output)) this.#check(asked, key, `the answer to ${call.input.type}`)
    if (reason !== undefined) this.#checkReason(asked, call.input, reason)
  }

  /** What a watch hands out, it decides right before, by the permissions that the member has. */
  watched({ as, member, id }: Operation, { keyValue }: WatchEvent): void {
    if (as === undefined) return
    const { appliedIndexOf, mayRead } = this.#permissions
    const at = appliedIndexOf(member)
    const key = asBuffer(keyValue.keyBytes).toString('latin1')
    if (!mayRead(as, key, at, at)) fail(as, `an event of the watch v${id} on ${member}`, key)
  }

  #check({ user, from }: Asked, key: Key, where: string): void {
    const { mayRead } = this.#permissions
    if (!mayRead(user, key, from, Infinity)) fail(user, where, key)
  }

  /** It may name what the caller named; values never stand in one. */
  #checkReason(asked: Asked, input: EtcdInput, reason: string): void {
    const named = JSON.stringify(input)
    const value = VALUE.exec(reason)?.[0]
    if (value !== undefined && !named.includes(value)) {
      throw new RunFailure('invariant', `R24 violated: ${asked.user} is told the value ${value} by an error: ${reason}`)
    }
    for (const [, key = ''] of reason.matchAll(KEY)) {
      if (!named.includes(key)) this.#check(asked, key, `the error '${reason}'`)
    }
  }
}

/** As operations write them (perform.ts). */
const VALUE = /\bv\d+(\.\d+)?\b/
/** Keys of plans, where texts of errors show keys. */
const KEY = /'([a-j]\+?|held\/[^']*|lock\/[^']*)'/g

function* keysIn(output: EtcdOutput): Iterable<Key> {
  switch (output.type) {
    case 'get':
      if (output.found !== undefined) yield output.found.key
      return
    case 'put':
    case 'range':
    case 'delete':
    case 'txn':
      for (const { key } of shownBy(output)) yield key
      return
    case 'time-to-live':
      yield* output.keys ?? []
      return
    case 'leases':
    case 'grant':
    case 'done':
      return
    default:
      assertNever(output, 'output of a store')
  }
}

function shownBy(result: EtcdResult): readonly EtcdKeyValue[] {
  switch (result.type) {
    case 'put':
      return result.previous === undefined ? [] : [result.previous]
    case 'range':
      return result.items
    case 'delete':
      return result.previous
    case 'txn':
      return result.results.flatMap(shownBy)
    default:
      return assertNever(result, 'result')
  }
}

function fail(user: string, where: string, key: Key): never {
  throw new RunFailure('invariant', `R24 violated: ${where} tells ${user} of '${key}', which that user could not read`)
}
