/**
 * The first in a line, and every change of it.
 *
 * Always: after each event that may change the first one, the line is read as it was after that event's revision. Keeping
 * it by the events alone would show, between two deletions of one revision, a leader who never led.
 */
import type { KeyValue } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import type { RangeOptions, Store } from '../../api/store.js'
import { leaderOf } from './candidacy.js'
import { readLine } from '../lock/line.js'
import { Patience } from '../patience.js'
import { endedByItself } from '../ended-by-itself.js'
import { isForgotten } from '../failures.js'
import { prefixOf } from '../name.js'

export async function* observeLeader(
  store: Store,
  name: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<KeyValue | undefined, void, undefined> {
  const patience = new Patience(store.environment, { signal })
  try {
    yield* changes(store, name, patience)
  } catch (error) {
    if (signal?.aborted !== true) throw error
  } finally {
    patience.end()
  }
}

async function* changes(
  store: Store,
  name: string,
  patience: Patience,
): AsyncGenerator<KeyValue | undefined, void, undefined> {
  let seen = await patience.insist((signal) => readFirst(store, name, { signal }))
  yield seen.first
  for (;;) {
    const next = await patience.insist((signal) => changed(store, name, seen, signal))
    const isNews = !isSame(seen.first, next.first)
    seen = next
    if (isNews) yield seen.first
  }
}

/** The first in the line as it was after a revision, if it leads. */
interface First {
  readonly first: KeyValue | undefined
  readonly revision: Revision
}

/**
 * The first after the next event that may change it. Who joins the line, or leaves it behind a leader, does not.
 * It starts from what was seen, so it can be called again when it failed half way.
 */
async function changed(store: Store, name: string, seen: First, signal: AbortSignal): Promise<First> {
  try {
    const watch = store.watch({ prefix: prefixOf(name) }, { startRevision: seen.revision + 1, signal })
    for await (const { key, revision } of watch) {
      if (seen.first !== undefined && key !== seen.first.key) continue
      return { first: (await readFirst(store, name, { revision, signal })).first, revision }
    }
  } catch (error) {
    if (!isForgotten(error)) throw error
    return readFirst(store, name, { signal })
  }
  return endedByItself(store, { prefix: prefixOf(name) }, signal)
}

async function readFirst(store: Store, name: string, options: RangeOptions): Promise<First> {
  const { contenders, revision } = await readLine(store, name, options)
  return { first: leaderOf(contenders), revision }
}

function isSame(a: KeyValue | undefined, b: KeyValue | undefined): boolean {
  return a?.key === b?.key && a?.modRevision === b?.modRevision
}
