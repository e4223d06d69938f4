/**
 * Candidates with priorities, in the line of an election.
 *
 * The line stays what it is: who came first is in front. A candidate with a priority has it in its key, and who reaches the
 * front does one of two things:
 *
 *     7f1-1-p1  7f2-1-p5  7f3-1-p1          7f1 sees 7f2, which goes before it: it gives way, to the end of the line
 *     7f2-1-p5  7f3-1-p1  7f1-2-p1a90       7f2 sees nobody who goes before it: it claims, by writing its key again
 *     7f2-1-p5  7f3-1-p1  7f1-2-p1a90       version 2: it leads, until it goes
 *     7f3-1-p1  7f1-2-p1a90                 7f1 came first, at revision 90, and so goes before 7f3: that gives way
 *
 * Always: the leader is the first of the line, so tokens grow from leader to leader whoever gave way to whom: who gives way
 * gets a new key, and with it a larger token.
 * Always: who goes before whom does not change when somebody gives way, since the new key says when its candidate came. So
 * the one who goes before all others comes to the front after one round at the latest, and it does not give way.
 * Always: of keys with a priority only those count as leading that were claimed. Were the first of the line to count, as it
 * does where nobody gives way, observers would be shown each one who comes to the front and gives way: leaders who never led.
 * Always: nobody gives way who leads. A candidate with a higher priority waits until the leader goes.
 *
 * Not here: candidates without a priority. They lead as soon as they are in front, as clients of etcd do.
 */
import type { KeyValue } from '../../api/key-value.js'
import { compare, get, put, type Revision } from '../../api/operations.js'
import { stands } from '../lock/line.js'
import type { Patience } from '../patience.js'
import type { Place } from '../lock/place.js'

/** The priority, and the revision at which the candidate came where that is not the one of the key. */
const MARK = /-p(\d+)(?:a(\d+))?$/

export function markOf(priority: number, cameAt?: Revision): string {
  return cameAt === undefined ? `p${priority}` : `p${priority}a${cameAt}`
}

/** Of a candidate; 0 where it has none. */
export function priorityOf({ key }: { readonly key: string }): number {
  return Number(MARK.exec(key)?.[1] ?? 0)
}

function cameAt({ key, createRevision }: Pick<KeyValue, 'key' | 'createRevision'>): Revision {
  return Number(MARK.exec(key)?.[2] ?? createRevision)
}

/** Who leads a line: its first one, if it has not still to decide whether it gives way. */
export function leaderOf([first]: readonly KeyValue[]): KeyValue | undefined {
  return first === undefined || (MARK.test(first.key) && first.version === 1) ? undefined : first
}

/** Resolves when the place leads, with the revision of its claim. */
export async function reachLeadership(place: Place, patience: Patience): Promise<Revision> {
  for (;;) {
    const { contenders } = await place.reachFront(patience)
    const { standing } = place
    const [priority, came] = [priorityOf(standing), cameAt(standing)]
    const goesBefore = (other: KeyValue): boolean => {
      const higher = priorityOf(other) - priority
      return higher > 0 || (higher === 0 && cameAt(other) < came)
    }
    if (!contenders.some(goesBefore)) return claim(place, patience)
    await place.moveToEnd(markOf(priority, came), patience)
  }
}

/** May be repeated: what compares that the key was written once can take effect once. */
async function claim(place: Place, patience: Patience): Promise<Revision> {
  const { standing, store } = place
  const { key, lease, createRevision } = standing
  const { succeeded, revision, results } = await patience.insist((signal) =>
    store.txn(
      {
        compare: [...stands(standing), compare(key).version('=', 1)],
        success: [put(key, '', { ignoreValue: true, ignoreLease: true })],
        failure: [get(key)],
      },
      { signal },
    ),
  )
  // By the clock, too: the answer may have been on its way for longer than the lease can be relied upon.
  place.signal.throwIfAborted()
  if (succeeded) return revision
  const [found] = results[0].items
  if (found?.createRevision !== createRevision || found.lease !== lease) place.lose('its key was deleted')
  place.signal.throwIfAborted()
  return found?.modRevision ?? revision
}
