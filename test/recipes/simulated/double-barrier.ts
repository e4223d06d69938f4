/**
 * Rounds of three, with four who want to take part: nobody begins before three are there for that round, nobody does anything
 * in a round that is over, and everybody gets in and out again.
 */
import { DoubleBarrier, open, Session, type KeyValue, type Store } from 'quorate'
import type { NodeEnvironment, Observation } from 'quorate/testing'
import { steadyClocks, TTL_MS } from './faults.js'
import { eachReport, everyNodeReports } from './reports.js'
import { scenario } from './scenario.js'
import { sleepUnlessStopped, untilStopped } from './service.js'

/** `id` is one who comes once; whoever comes again is another one. */
type Report =
  | { readonly type: 'comes' | 'gives up'; readonly id: string }
  | { readonly type: 'enters' | 'acts' | 'has left'; readonly id: string; readonly round: number }
type Env = NodeEnvironment<Report>

interface Entered {
  readonly round: number
  readonly signal: AbortSignal
  leave(options: { readonly signal: AbortSignal }): Promise<void>
}
type Enter = (store: Store, env: Env) => Promise<Entered>

const FOR_MS = 12_000
const NAME = 'rounds'
const PARTIES = 3
/** So much later nobody counts any more who died or gave up: its lease has ended, wherever a leader was changed. */
const GONE_AFTER_MS = 8_000

function app(enter: Enter): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    const workers = env.node === env.nodes[0] ? ['one', 'two'] : ['one']
    await Promise.all(
      workers.map((worker) =>
        untilStopped(env, (time) => takePart(store, env, enter, `${env.node}${env.life} ${worker} ${time}`)),
      ),
    )
    return store
  }
}

async function takePart(store: Store, env: Env, enter: Enter, id: string): Promise<void> {
  env.report({ type: 'comes', id })
  let party: Entered
  try {
    party = await enter(store, env)
  } catch (error) {
    env.report({ type: 'gives up', id })
    throw error
  }
  const { round } = party
  env.report({ type: 'enters', id, round })
  for (let acts = env.below(4); acts > 0; acts--) {
    await sleepUnlessStopped(env, env.below(100))
    if (party.signal.aborted) {
      env.mark('is lost inside')
      break
    }
    env.report({ type: 'acts', id, round })
  }
  await party.leave({ signal: env.signal })
  env.report({ type: 'has left', id, round })
  env.mark('leaves with all others')
}

const enterByRounds: Enter = (store, { signal }) =>
  new DoubleBarrier(store, NAME, { parties: PARTIES, ttlMs: TTL_MS }).enter({ signal })

/** Puts a key, and goes on when a watch has shown enough of them; leaves by deleting it, and goes on when there is none. */
const enterByCounting: Enter = async (store, env) => {
  const { signal } = env
  const prefix = `${NAME}/`
  const session = await Session.open(store, { ttlMs: TTL_MS })
  const key = `${prefix}${session.lease.toString(16)}`
  await store.put(key, '', { lease: session.lease })
  const until = async (isEnough: (keys: readonly KeyValue[]) => boolean): Promise<readonly KeyValue[]> => {
    for (;;) {
      const { items, revision } = await store.range({ prefix }, { sort: { by: 'createRevision' } })
      if (isEnough(items)) return items.slice(0, PARTIES)
      const next = store.watch({ prefix }, { startRevision: revision + 1, signal })[Symbol.asyncIterator]()
      await next.next()
      await next.return?.()
      signal.throwIfAborted()
    }
  }
  const inside = await until(
    (keys) => keys.length >= PARTIES && keys.slice(0, PARTIES).some((each) => each.key === key),
  )
  return {
    // All who counted the same three call the round the same.
    round: inside.at(-1)?.createRevision ?? 0,
    signal: session.signal,
    leave: async () => {
      await session.close()
      await until((items) => !inside.some((each) => items.some((item) => item.key === each.key)))
    },
  }
}

/** What is known of the rounds from what was reported. */
class Rounds {
  readonly #came = new Map<string, { readonly node: string; readonly life: number }>()
  readonly #lives = new Map<string, { readonly life: number; readonly sinceMs: number }>()
  readonly #gaveUpMs = new Map<string, number>()
  readonly #roundOf = new Map<string, number>()
  #latest = 0
  #over = 0

  look({ value, node, life, atMs }: Observation<Report>): void {
    if (this.#lives.get(node)?.life !== life) this.#lives.set(node, { life, sinceMs: atMs })
    switch (value.type) {
      case 'comes':
        this.#came.set(value.id, { node, life })
        return
      case 'gives up':
        this.#gaveUpMs.set(value.id, atMs)
        return
      case 'enters':
        this.#enters(value.id, value.round, atMs)
        return
      case 'acts':
        if (value.round < this.#latest || value.round <= this.#over) {
          throw new Error(`${value.id} acts in round ${value.round}, which is over`)
        }
        return
      case 'has left':
        this.#over = Math.max(this.#over, value.round)
    }
  }

  #enters(id: string, round: number, atMs: number): void {
    if (round < this.#latest || round <= this.#over) throw new Error(`${id} enters round ${round}, which is over`)
    const begins = round > this.#latest
    this.#latest = round
    this.#roundOf.set(id, round)
    const inside = [...this.#roundOf].filter(([, each]) => each === round)
    if (inside.length > PARTIES) throw new Error(`${inside.length} are in round ${round}`)
    const there = [...this.#came.keys()].filter((each) => this.#mayBeIn(each, round, atMs))
    if (begins && there.length < PARTIES) {
      throw new Error(`${id} enters round ${round}, and only ${there.join(', ')} may be in it`)
    }
  }

  #mayBeIn(id: string, round: number, atMs: number): boolean {
    const entered = this.#roundOf.get(id)
    if (entered !== undefined) return entered === round
    const { node = '', life = 0 } = this.#came.get(id) ?? {}
    const now = this.#lives.get(node)
    const endedMs = this.#gaveUpMs.get(id) ?? (now?.life === life ? undefined : now?.sinceMs)
    return endedMs === undefined || atMs < endedMs + GONE_AFTER_MS
  }
}

export const doubleBarrier = scenario<Report>({
  name: 'double-barrier',
  description: 'four take part in rounds of three: none begins before three are there, none acts in one that is over',
  options: {
    app: app(enterByRounds),
    faults: steadyClocks,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => {
      const rounds = new Rounds()
      return (report) => {
        rounds.look(report)
      }
    }),
    eventually: (world) => everyNodeReports(world, FOR_MS, ({ type }) => type === 'has left'),
    marks: ['leaves with all others', 'is lost inside'],
  },
  naive: {
    'counts-keys': {
      description:
        'goes on when it has counted enough keys: another one counts others, since a quick one has left by then',
      options: { app: app(enterByCounting), faults: [], healMs: 1_000 },
      finds: /enters round \d+, and only .* may be in it/,
      seed: 1,
    },
  },
})
