/**
 * Judges what the clients of a run were told: each watch while it goes on, locks and the whole history at the end.
 *
 * Always: the order of what was told is that of the history's counter, never of a clock.
 */
import { asBuffer, keyText } from '../../base/bytes.js'
import type { Store, WatchEvent } from '../../api/store.js'
import type { Applied } from '../../machine/outcome.js'
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
import type { Operation } from './operation.js'
import type { WatchBegun } from './perform.js'

export class Judge {
  readonly history = new History<EtcdInput, EtcdOutput>()
  readonly #ledger = new Ledger()
  /** Where in the ledger each watch is: by the number of its operation. */
  readonly #watches = new Map<number, number>()
  readonly locks: LockJudge

  constructor(steadySince: (member: string, sinceMs: number) => boolean) {
    this.locks = new LockJudge(steadySince)
  }

  /** Throws RunFailure. */
  applied(applied: Applied): void {
    for (const change of this.#ledger.applied(applied)) this.locks.applied(change)
  }

  /** The store of a client, whose calls are written down. */
  recorded(store: Store, client: string): Store {
    return record(store, { history: this.history, client })
  }

  /** R20: what a watch tells is history from its start on: nothing left out, nothing twice, all in order. */
  watched(operation: Operation & { readonly type: 'watch' }, event: WatchEvent, watch: WatchBegun): void {
    const { startRevision, compactRevision } = watch
    const at = this.#watches.get(operation.id) ?? this.#ledger.startOf(startRevision)
    this.#watches.set(operation.id, at + 1)
    const change = this.#ledger.changes[at]
    const told = `told ${event.type} ${event.key} at ${event.revision}`
    if (startRevision < compactRevision) {
      failWatch(operation, watch, `${told}, though ${compactRevision} was the oldest kept when it began`)
    }
    if (change === undefined || !tells(event, change)) {
      const expected =
        change === undefined ? 'nothing' : `${change.event.type} ${change.event.keyValue.key} at ${change.revision}`
      failWatch(operation, watch, `${told} where history has ${expected}`)
    }
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

  /** That history is gone is said of what is gone only. */
  watchFailed(operation: Operation, error: unknown, watch: WatchBegun): void {
    if (!isStoreError(error, 'COMPACTED')) return
    const at = this.#watches.get(operation.id)
    const next =
      at === undefined ? watch.startRevision : (this.#ledger.changes[at]?.revision ?? this.#ledger.revision + 1)
    const { compactRevision: said } = error
    const oldest = watch.compactRevisionNow()
    if (said !== undefined && next < said && said <= oldest) return
    failWatch(operation, watch, `which is at ${next} is told that ${said} is the oldest kept, which is ${oldest}`)
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
}

function tells({ type, key, keyValue, revision }: WatchEvent, change: Change): boolean {
  const { event } = change
  return (
    revision === change.revision &&
    type === event.type &&
    key === keyText(event.keyValue.key) &&
    asBuffer(keyValue.value).equals(event.keyValue.value)
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
