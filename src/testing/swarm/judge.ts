/**
 * Judges what the clients of a run were told: each watch while it goes on, locks and the whole history at the end.
 *
 * Always: the order of what was told is that of the history's counter, never of a clock.
 */
import { asBuffer, keyText } from '../../base/bytes.js'
import type { HashResult } from '../../api/maintenance.js'
import type { Store, WatchEvent } from '../../api/store.js'
import type { Applied } from '../../machine/outcome.js'
import type { Call, Ending } from '../linearizability/call.js'
import { check } from '../linearizability/check.js'
import type { EtcdInput, EtcdOutput } from '../linearizability/etcd-calls.js'
import { etcdModel } from '../linearizability/etcd-model.js'
import { History } from '../linearizability/history.js'
import { record } from '../linearizability/record.js'
import { watchOracle } from '../linearizability/watch-oracle.js'
import { isStoreError } from '../../base/errors.js'
import type { KeyValue } from '../../mvcc/types.js'
import { RunFailure } from './failure.js'
import { Ledger, type Change } from './ledger.js'
import { LockJudge } from './lock-judge.js'
import type { AuthJudge, Caller } from './auth-judge.js'
import type { Operation } from './operation.js'
import type { WatchBegun } from './performing.js'
import { isWatched } from './perform-watch.js'

type WatchOperation = Operation & { readonly type: 'watch' }

/** How far a watch has come. */
interface Watched {
  /** Where in the ledger, before this one, everything was told or is not for it. */
  at: number
  /** The last revision that it told something of, or said that it has come to. */
  revision: number
}

export interface JudgeOptions {
  readonly steadySince: (member: string, sinceMs: number) => boolean
  readonly auth: AuthJudge
}

export class Judge {
  readonly history: History<EtcdInput, EtcdOutput>
  readonly #ledger = new Ledger()
  /** By the number of its operation. */
  readonly #watches = new Map<number, Watched>()
  /** What members hold up to a revision, by that and what was compacted; and who said so. */
  readonly #hashes = new Map<string, { readonly hash: string; readonly by: string }>()
  readonly #auth: AuthJudge
  readonly locks: LockJudge

  constructor({ steadySince, auth }: JudgeOptions) {
    this.#auth = auth
    this.history = new HeardHistory(auth)
    this.locks = new LockJudge(steadySince)
  }

  /** Throws RunFailure. */
  applied(applied: Applied): void {
    for (const change of this.#ledger.applied(applied)) this.locks.applied(change)
  }

  /** The store of a client, whose calls are written down, and looked at where a user makes them. */
  recorded(store: Store, client: string, caller: Caller | undefined): Store {
    this.#auth.from(client, caller)
    return record(store, { history: this.history, client })
  }

  /** R20: what a watch tells is history from its start on: nothing left out, nothing twice, all in order. */
  watched(operation: WatchOperation, event: WatchEvent, watch: WatchBegun): void {
    const { startRevision, compactRevision } = watch
    const watched = this.#watchedBy(operation, watch)
    const change = this.#next(operation, watched)
    watched.at++
    watched.revision = event.revision
    const told = `told ${event.type} ${event.key} at ${event.revision}`
    if (startRevision < compactRevision) {
      failWatch(operation, watch, `${told}, though ${compactRevision} was the oldest kept when it began`)
    }
    if (change === undefined || !tells(event, change)) {
      const expected =
        change === undefined ? 'nothing' : `${change.event.type} ${change.event.keyValue.key} at ${change.revision}`
      failWatch(operation, watch, `${told} where history has ${expected}`)
    }
    this.#auth.watched(operation, event)
    const { previous } = change
    if (event.created !== (event.type === 'put' && previous === undefined)) {
      failWatch(operation, watch, `${told} as ${event.created ? 'the first' : 'not the first'} of its key`)
    }
    const expected = operation.previous === true ? previous : undefined
    if (equal(event.previous, expected)) return
    // What the oldest revision replaced, or one before it, is gone.
    if (event.previous === undefined && event.revision <= watch.compactRevisionNow()) return
    failWatch(operation, watch, `${told} as replacing ${describe(event.previous)}, it replaced ${describe(expected)}`)
  }

  /** R20: a notice of progress comes after everything that it speaks of, and goes forward. */
  progressed(operation: WatchOperation, revision: number, watch: WatchBegun): void {
    const watched = this.#watchedBy(operation, watch)
    const next = this.#next(operation, watched)
    if (next !== undefined && next.revision <= revision) {
      failWatch(operation, watch, `says that it has come to ${revision}, and has not told of ${next.revision}`)
    }
    if (revision < watched.revision || revision > this.#ledger.revision) {
      failWatch(operation, watch, `says that it has come to ${revision}, it had to ${watched.revision} before`)
    }
    watched.revision = revision
  }

  /** That history is gone is said of what is gone only. */
  watchFailed(operation: WatchOperation, error: unknown, watch: WatchBegun): void {
    if (!isStoreError(error, 'COMPACTED')) return
    const watched = this.#watchedBy(operation, watch)
    // One that is not told of everything may have looked no further than what it told last.
    const everything = operation.from === undefined && operation.without === undefined
    const next = everything ? (this.#next(operation, watched)?.revision ?? this.#ledger.revision + 1) : watched.revision
    const { compactRevision: said } = error
    const oldest = watch.compactRevisionNow()
    if (said !== undefined && (next < said || watch.startRevision < said) && said <= oldest) return
    failWatch(operation, watch, `which is at ${next} is told that ${said} is the oldest kept, which is ${oldest}`)
  }

  /** Members that have the same revision and have compacted to the same hold the same. Whether another one had said so. */
  hashed({ id, member }: Pick<Operation, 'id' | 'member'>, { hash, revision, compactRevision }: HashResult): boolean {
    const where = `revision ${revision}, compacted to ${compactRevision}`
    const known = this.#hashes.get(where)
    if (known === undefined) this.#hashes.set(where, { hash, by: member })
    else if (known.hash !== hash) {
      throw new RunFailure(
        'invariant',
        `R18 violated: at ${where}, ${member} has the hash ${hash} (v${id}), ${known.by} had ${known.hash}`,
      )
    }
    return known !== undefined && known.by !== member
  }

  /** Throws RunFailure. */
  judge(): void {
    const oracle = watchOracle(this.#ledger.watchEvents())
    const verdict = check(this.history, etcdModel, { engine: 'witness', oracle })
    if (verdict.verdict === 'ok') return
    // That it cannot tell is no pardon: with the changes known, it always can.
    const kind = verdict.verdict === 'illegal' ? 'not linearizable' : 'harness'
    throw new RunFailure(kind, verdict.explanation)
  }

  #watchedBy({ id }: WatchOperation, { startRevision }: WatchBegun): Watched {
    let watched = this.#watches.get(id)
    if (watched === undefined) {
      watched = { at: this.#ledger.startOf(startRevision), revision: startRevision - 1 }
      this.#watches.set(id, watched)
    }
    return watched
  }

  /** The next change that it is to tell of, as far as there are any. */
  #next(operation: WatchOperation, watched: Watched): Change | undefined {
    const { changes } = this.#ledger
    for (; watched.at < changes.length; watched.at++) {
      const change = changes[watched.at]
      if (change === undefined) return undefined
      const { type, keyValue } = change.event
      if (isWatched(operation, type, keyText(keyValue.key))) return change
    }
    return undefined
  }
}

/** Tells whoever looks at what users are told. */
class HeardHistory extends History<EtcdInput, EtcdOutput> {
  readonly #auth: AuthJudge

  constructor(auth: AuthJudge) {
    super()
    this.#auth = auth
  }

  override invoke(client: string, input: EtcdInput, nowMs?: number): Call<EtcdInput, EtcdOutput> {
    const call = super.invoke(client, input, nowMs)
    this.#auth.asked(call)
    return call
  }

  override end(call: Call<EtcdInput, EtcdOutput>, ending: Ending<EtcdOutput>, nowMs?: number): void {
    super.end(call, ending, nowMs)
    this.#auth.answered(call)
  }
}

function tells(told: WatchEvent, { revision, event: { type, keyValue } }: Change): boolean {
  return (
    told.revision === revision &&
    told.type === type &&
    told.key === keyText(keyValue.key) &&
    (told.type === 'delete' || asBuffer(told.keyValue.value).equals(keyValue.value))
  )
}

function equal(told: Pick<KeyValue, 'modRevision' | 'value'> | undefined, expected: KeyValue | undefined): boolean {
  if (told === undefined || expected === undefined) return told === expected
  return told.modRevision === expected.modRevision && asBuffer(told.value).equals(expected.value)
}

function describe(keyValue: Pick<KeyValue, 'modRevision'> | undefined): string {
  return keyValue === undefined ? 'nothing' : `what was written at ${keyValue.modRevision}`
}

function failWatch({ id, member }: Operation, { startRevision }: WatchBegun, what: string): never {
  throw new RunFailure('watch', `R20 violated: the watch v${id} on ${member} from revision ${startRevision} on ${what}`)
}
