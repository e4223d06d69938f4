/**
 * A history whose every state is known: step after step, each a transaction that writes the number of the step and, by turns,
 * puts or deletes one of a few keys. Whoever shows a state must show that of one step, all of it.
 */
import { compare, del, get, put, type Store } from 'quorate'
import { below } from '../../../src/base/random.js'

/** Under which it happens. */
export const STEPS = 'steps/'
const LAST = `${STEPS}last`
const TURNS = 4

/** What is there after a step: `key=value`, in key order. */
export function stateAfter(step: number): string {
  const state: string[] = []
  for (let turn = 0; turn < TURNS; turn++) {
    const latest = step - ((step - turn + TURNS) % TURNS)
    if (latest > 0 && puts(latest)) state.push(`${keyOf(latest)}=${latest}`)
  }
  if (step > 0) state.push(`${LAST}=${step}`)
  return state.sort().join(' ')
}

/** Of which step a state is, by what it says. */
export function stepOf(state: Iterable<readonly [string, string]>): number {
  for (const [key, value] of state) if (key === LAST) return Number(value)
  return 0
}

export const describeState = (state: Iterable<readonly [string, string]>): string =>
  [...state].map(([key, value]) => `${key}=${value}`).join(' ')

/** Does the next step; what is known of it then. Undefined when somebody else did it. */
export async function takeStep(
  store: Store,
): Promise<{ readonly step: number; readonly revision: number } | undefined> {
  const { items } = await store.range(LAST, { timeoutMs: 1_000 })
  const [last] = items
  const step = Number(last?.text() ?? 0) + 1
  const change = puts(step) ? put(keyOf(step), `${step}`) : del(keyOf(step))
  const { succeeded, revision } = await store.txn(
    {
      compare: [compare(LAST).modRevision('=', last?.modRevision ?? 0)],
      success: [put(LAST, `${step}`), change],
      failure: [get(LAST)],
    },
    { timeoutMs: 1_000 },
  )
  // Something else, too, now and then: revisions of which the steps have nothing.
  if (below(store.environment.random, 4) === 0) await store.put('elsewhere', `${step}`, { timeoutMs: 1_000 })
  return succeeded ? { step, revision } : undefined
}

/** Puts and deletes alternate for a key. */
const puts = (step: number): boolean => Math.floor(step / TURNS) % 2 === 0
const keyOf = (step: number): string => `${STEPS}${step % TURNS}`
