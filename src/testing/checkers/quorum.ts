/** Who is a majority of a configuration, counted anew: what is checked does its own counting (raft/quorum). */
import type { Configuration, NodeId } from '../../raft/types.js'

/** Whether those for which `has` says so are a majority of the voters, and of the outgoing ones if there are any. */
export function isQuorum({ voters, outgoing = [] }: Configuration, has: (voter: NodeId) => boolean): boolean {
  const sides = [voters, outgoing].filter((side) => side.length > 0)
  return sides.length > 0 && sides.every((side) => side.filter(has).length * 2 > side.length)
}

/** By trying every set: for each quorum of the one, what is left is no quorum of the other. */
export function quorumsIntersect(left: Configuration, right: Configuration): boolean {
  const ids = [left, right].flatMap(({ voters, outgoing = [] }) => [...voters, ...outgoing])
  const bits = new Map([...new Set(ids)].map((id, at) => [id, 1 << at]))
  for (let set = 0; set < 1 << bits.size; set++) {
    const has = (id: NodeId): boolean => (set & (bits.get(id) ?? 0)) !== 0
    if (isQuorum(left, has) && isQuorum(right, (id) => !has(id))) return false
  }
  return true
}
