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
import { RunFailure } from './failure.js'
import { Ledger, type Change } from './ledger.js'
import type { Operation } from './operation.js'

interface Guarded {
  readonly name: string
  readonly token: number
  readonly revision: number
}

export class Judge {
  readonly history = new History<EtcdInput, EtcdOutput>()
  readonly #ledger = new Ledger()
  /** Where in the ledger each watch is: by the number of its operation. */
  readonly #watches = new Map<number, number>()
  readonly #guarded: Guarded[] = []

  applied(applied: Applied): void {
    this.#ledger.applied(applied)
  }

  /** The store of a client, whose calls are written down. */
  recorded(store: Store, client: string): Store {
    return record(store, { history: this.history, client })
  }

  /** R20: what a watch tells is history from its start on: nothing left out, nothing twice, all in order. */
  watched({ id, member }: Operation, event: WatchEvent, startRevision: number): void {
    const at = this.#watches.get(id) ?? this.#ledger.startOf(startRevision)
    this.#watches.set(id, at + 1)
    const change = this.#ledger.changes[at]
    if (change !== undefined && tells(event, change)) return
    const expected =
      change === undefined ? 'nothing' : `${change.event.type} ${change.event.keyValue.key} at ${change.revision}`
    throw new RunFailure(
      'watch',
      `R20 violated: the watch v${id} on ${member} from revision ${startRevision} on told ${event.type} ${event.key} at ` +
        `${event.revision} where history has ${expected}`,
    )
  }

  /** A write was done under the guard of a lock. */
  guarded(name: string, token: number, revision: number): void {
    this.#guarded.push({ name, token, revision })
  }

  /** Throws RunFailure. */
  judge(): void {
    this.#judgeLocks()
    this.#judgeHistory()
  }

  #judgeHistory(): void {
    const oracle = watchOracle(this.#ledger.watchEvents())
    const verdict = check(this.history, etcdModel, { engine: 'witness', oracle })
    if (verdict.verdict === 'ok') return
    // That it cannot tell is no pardon: with the changes known, it always can.
    const kind = verdict.verdict === 'illegal' ? 'not linearizable' : 'harness'
    throw new RunFailure(kind, verdict.explanation)
  }

  /** Once the next holder has written under its guard, no earlier one can. */
  #judgeLocks(): void {
    const latest = new Map<string, Guarded>()
    for (const write of this.#guarded.sort((a, b) => a.revision - b.revision)) {
      const before = latest.get(write.name)
      latest.set(write.name, write)
      if (before === undefined || before.token <= write.token) continue
      throw new RunFailure(
        'invariant',
        `the holder of ${write.name} with token ${write.token} wrote under its guard at revision ${write.revision}, after ` +
          `one with token ${before.token} had at ${before.revision}`,
      )
    }
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
