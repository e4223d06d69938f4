/**
 * Who stands in the way of a place in the line: the one difference between a mutex, a lock of readers and writers and a
 * semaphore.
 *
 * Always: a rule looks at a whole line as it was at one revision, and is a function of it: two who apply it to the same
 * line agree on who holds.
 * Always: waiting is for as few as the rule needs, so that the end of one place wakes one waiter. Waking is not holding:
 * the rule is applied to the line again.
 */
import type { KeyValue } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { hasMark, standingOf, untilGone } from './line.js'
import { endedByItself } from '../ended-by-itself.js'
import { isForgotten } from '../failures.js'
import { prefixOf } from '../name.js'

/** Some places in the line of which so many must go before it is worth to look again. */
export interface Obstacle {
  readonly among: readonly KeyValue[]
  /** At least 1. */
  readonly leaving: number
}

/**
 * What stands in the way of the contender at `own`; undefined: nothing, it holds. One who asks whether it would hold gives
 * the index behind the last one.
 */
export type Rule = (contenders: readonly KeyValue[], own: number) => Obstacle | undefined

/** One at a time: everybody waits for the one directly before. */
export const oneAtATime: Rule = (contenders, own) => {
  const before = contenders[own - 1]
  return before === undefined ? undefined : { among: [before], leaving: 1 }
}

/** How a reader is marked; whoever is not is a writer, so that a mutex of the same name is one, too. */
export const READ_MARK = 'read'

/** Readers share: they wait for the nearest writer before them, which waits for those before itself. */
export const shared: Rule = (contenders, own) => {
  const writer = contenders.slice(0, own).findLast((each) => !hasMark(each, READ_MARK))
  return writer === undefined ? undefined : { among: [writer], leaving: 1 }
}

/**
 * So many at a time. There is no one place to wait for: with two permits, the third in the line gets in when either of two
 * goes. So whoever waits watches the whole line and counts those that were before it and go, which costs the store no
 * reads, and reads the line once, when enough have gone. Were each end of a place to make all who wait look, ten waiters
 * would make ten reads for one permit.
 */
export function atMost(permits: number): Rule {
  return (contenders, own) => {
    const leaving = own - permits + 1
    return leaving <= 0 ? undefined : { among: contenders.slice(0, own), leaving }
  }
}

/**
 * Resolves when as many have gone as must. Nothing is missed in between: the watch starts with the revision after the one at
 * which the line was read. May resolve early; rejects when `signal` aborts, or with the store's error.
 */
export async function untilOutOfTheWay(
  store: Store,
  name: string,
  { among, leaving }: Obstacle,
  revision: Revision,
  signal: AbortSignal,
): Promise<void> {
  const [only] = among
  if (only !== undefined && among.length === 1) return untilGone(store, standingOf(only), revision, signal)
  const there = new Map(among.map((each) => [each.key, each.lease]))
  const last = among.length - leaving
  try {
    for await (const { type, key, keyValue } of store.watch(
      { prefix: prefixOf(name) },
      { startRevision: revision + 1, signal },
    )) {
      if (type === 'put' && keyValue.lease === there.get(key)) continue
      there.delete(key)
      if (there.size <= last) return
    }
  } catch (error) {
    // Who waits reads the line again, which tells more than the history that is gone would have.
    if (isForgotten(error)) return
    throw error
  }
  return endedByItself(store, { prefix: prefixOf(name) }, signal)
}
