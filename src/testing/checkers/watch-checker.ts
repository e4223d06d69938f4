/**
 * Watches, event by event against the changes that were applied: R20 in order, each once, all changes of a revision
 * together, none left out, also where a watch goes on and where it says that it has come to.
 */
import type { MemberEvent } from '../../member/event.js'
import type { Event, Revision } from '../../mvcc/types.js'
import { admits, type Filter } from '../../watch/filter.js'
import type { MemberView } from './member-view.js'
import { equalEvents, type StateLedger } from './state-ledger.js'
import { fail } from './violation.js'

type EventOf<Type extends MemberEvent['type']> = Extract<MemberEvent, { type: Type }>

interface Watched {
  readonly filter: Filter
  /** What it was opened for; 0: the next revision. */
  readonly startRevision: Revision
  /** Everything before was delivered. */
  next: Revision
}

export class WatchChecker {
  readonly #states: StateLedger
  /** Those that are open in the present life of each member. */
  readonly #open = new Map<MemberView, Map<number, Watched>>()

  constructor(states: StateLedger) {
    this.#states = states
  }

  recovered(view: MemberView): void {
    this.#open.set(view, new Map())
  }

  opened(view: MemberView, { watch, filter, startRevision, currentRevision }: EventOf<'watch-opened'>): void {
    const next = startRevision === 0 ? currentRevision + 1 : startRevision
    this.#open.get(view)?.set(watch, { filter, startRevision, next })
  }

  delivered(view: MemberView, { watch, batch }: EventOf<'watch-delivered'>): void {
    const watched = this.#open.get(view)?.get(watch)
    if (watched === undefined) return
    const { revision, events } = batch
    if (revision < watched.next) {
      fail('R20', `${nameOf(view, watch)} delivers revision ${revision}, it was at ${watched.next - 1} before`)
    }
    if (revision > view.revision) {
      fail('R20', `${nameOf(view, watch)} delivers revision ${revision}, applied is ${view.revision}`)
    }
    this.#checkGap(view, watch, watched, revision - 1)
    watched.next = revision + 1
    if (revision < this.#states.firstKnown) return
    const expected = this.#wanted(watched.filter, revision)
    const same =
      events.length === expected.length && events.every((event, at) => equalEvents(event, expected[at] as Event))
    if (same) return
    const keys = (list: readonly Event[]): string =>
      list.map(({ type, keyValue }) => `${type} ${keyValue.key}`).join(', ')
    fail(
      'R20',
      `${nameOf(view, watch)} delivers [${keys(events)}] of revision ${revision}, it changed [${keys(expected)}]`,
    )
  }

  /** A notice of progress is ahead of nothing that is still to be delivered, of nothing applied, and of no start. */
  progressed(view: MemberView, { watch, revision }: EventOf<'watch-progress'>): void {
    const watched = this.#open.get(view)?.get(watch)
    if (watched === undefined) return
    if (revision > view.revision || revision < watched.next - 1 || revision < watched.startRevision) {
      const { next, startRevision } = watched
      fail(
        'R20',
        `${nameOf(view, watch)} tells of progress to ${revision}; it begins at ${startRevision}, was at ${next - 1} ` +
          `before, and applied is ${view.revision}`,
      )
    }
    this.#checkGap(view, watch, watched, revision)
    watched.next = revision + 1
  }

  /** Where it says it has come to, it is taken at its word: whoever goes on from there must miss nothing. */
  ended(view: MemberView, { watch, revision, failure }: EventOf<'watch-ended'>): void {
    const open = this.#open.get(view)
    const watched = open?.get(watch)
    if (watched === undefined) return
    open?.delete(watch)
    this.#checkGap(view, watch, watched, Math.min(revision, view.revision))
    if (failure === 'COMPACTED' && watched.next >= view.compactRevision) {
      fail(
        'R20',
        `${nameOf(view, watch)} needs ${watched.next} and is told it is compacted, which is ${view.compactRevision}`,
      )
    }
  }

  /** Nothing that it wants happened from where it was through `through`. Looks at each revision once for each watch. */
  #checkGap(view: MemberView, watch: number, watched: Watched, through: Revision): void {
    for (let revision = Math.max(watched.next, this.#states.firstKnown); revision <= through; revision++) {
      if (!this.#states.changesOf(revision).some((event) => admits(watched.filter, event))) continue
      fail('R20', `${nameOf(view, watch)} leaves out revision ${revision}, it is at ${through} now`)
    }
  }

  #wanted(filter: Filter, revision: Revision): readonly Event[] {
    return this.#states.changesOf(revision).filter((event) => admits(filter, event))
  }
}

function nameOf(view: MemberView, watch: number): string {
  return `watch ${watch} of ${view.name}`
}
