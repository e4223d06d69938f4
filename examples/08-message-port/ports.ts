/** How the threads are joined: each two of them by the two ends of one channel. */
import { MessageChannel, type MessagePort } from 'node:worker_threads'

/** What one thread has: the ends that lead to the others, by their names. */
export interface Ends {
  readonly name: string
  readonly to: ReadonlyMap<string, MessagePort>
}

export function portsBetween(names: readonly string[]): Ends[] {
  const ends = names.map((name) => ({ name, to: new Map<string, MessagePort>() }))
  for (const [at, a] of ends.entries()) {
    for (const b of ends.slice(at + 1)) {
      const { port1, port2 } = new MessageChannel()
      a.to.set(b.name, port1)
      b.to.set(a.name, port2)
    }
  }
  return ends
}
