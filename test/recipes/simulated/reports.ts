/** Checks of what processes report: each report is looked at once, in the order in which they came. */
import type { Observation, SimulatedWorld } from 'quorate/testing'

/**
 * A check for `always` that is given every report once. `begin` is called for each run: what it keeps is of that run.
 *
 * @example
 * always: eachReport<{ token: number }>(() => {
 *   let last = 0
 *   return ({ value: { token }, node }) => {
 *     if (token < last) throw new Error(`${node} acts with token ${token} after ${last}`)
 *     last = token
 *   }
 * })
 */
export function eachReport<Observed, Exposed = unknown>(
  begin: () => (report: Observation<Observed>, world: SimulatedWorld<Observed, Exposed>) => void,
): (world: SimulatedWorld<Observed, Exposed>) => void {
  const runs = new WeakMap<object, { seen: number; readonly look: ReturnType<typeof begin> }>()
  return (world) => {
    let run = runs.get(world)
    if (run === undefined) {
      run = { seen: 0, look: begin() }
      runs.set(world, run)
    }
    const { observations } = world
    while (run.seen < observations.length) run.look(observations[run.seen++] as Observation<Observed>, world)
  }
}

/** Whether every node has reported something of the kind since all was healed: for `eventually`. */
export function everyNodeReports<Observed>(
  world: Pick<SimulatedWorld<Observed>, 'observations'> & { readonly nodes: readonly { readonly name: string }[] },
  healedAtMs: number,
  matches: (value: Observed) => boolean = () => true,
): boolean {
  const { nodes, observations } = world
  return nodes.every(({ name }) =>
    observations.some(({ node, atMs, value }) => node === name && atMs > healedAtMs && matches(value)),
  )
}
