/** What scenarios of locks have in common: tasks that contend, some in a session that they share, and a line that is empty in the end. */
import { isStoreError, Session, StoreError, type KeyValue, type Store } from 'quorate'
import type { NodeEnvironment, SimulatedWorld } from 'quorate/testing'
import { decorated } from '../stage.js'
import { TTL_MS } from './faults.js'
import { untilStopped } from './service.js'

export interface Exposed {
  readonly store: Store
}

/** Where a task contends this time: in the session of its process, or in one of its own. */
export type Contend<Observed> = (task: {
  readonly env: NodeEnvironment<Observed, Exposed>
  readonly store: Store
  readonly session: Session | undefined
  /** A name for the task: no other one of any process has it. */
  readonly name: string
}) => Promise<void>

/** When it is there, nobody contends any more. */
const CLOSING_TIME = 'closing time'
const TASKS = 2
/** Every so manyth time a task contends in a session of its own. */
const OWN_SESSIONS = 3
/** Longer than any lease lives, and any wait, when nothing is wrong any more. */
const EMPTY_WITHIN_MS = 20_000
/** One transaction of so many is held up. */
const HELD_UP = 6

/** Some tasks in one process contend again and again until the node is asked to stop, or it is closing time. */
export async function contendInTasks<Observed>(
  env: NodeEnvironment<Observed, Exposed>,
  given: Store,
  contend: Contend<Observed>,
): Promise<void> {
  env.expose({ store: given })
  const store = heldUp(env, given)
  const shared = sharedSession(env, store)
  const task = async (number: number): Promise<void> => {
    await untilStopped(env, async () => {
      if ((await store.get(CLOSING_TIME, { timeoutMs: 1_000 })) !== undefined) return
      const session = env.below(OWN_SESSIONS) === 0 ? undefined : await shared()
      if (session === undefined) env.mark('contends in a session of its own')
      else env.mark('contends in a shared session')
      await contend({ env, store, session, name: `${env.node}${env.life}.${number}` })
    })
  }
  await Promise.all(Array.from({ length: TASKS }, (_, number) => task(number)))
}

/**
 * Now and then a transaction is held up on its way to the store, as by a proxy, and arrives although nobody waits for it any
 * more. Members keep calls in order: without this a put would hardly ever come after the deletion that was sent later.
 */
function heldUp({ below, sleep }: Pick<NodeEnvironment, 'below' | 'sleep'>, store: Store): Store {
  const txn = (async (transaction, options = {}) => {
    if (below(HELD_UP) > 0) return store.txn(transaction, options)
    const { signal, ...rest } = options
    const arrives = sleep(below(TTL_MS)).then(() => store.txn(transaction, rest))
    return signal === undefined ? arrives : Promise.race([arrives, unknownWhenAborted(signal)])
  }) as Store['txn']
  return decorated(store, { txn })
}

function unknownWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => {
      reject(new StoreError('ABORTED', 'nobody waits any more', { outcome: 'unknown' }))
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}

/** One session for all tasks of a process; another one when it is over. */
function sharedSession(
  { signal, mark }: Pick<NodeEnvironment, 'signal' | 'mark'>,
  store: Store,
): () => Promise<Session> {
  let session: Session | undefined
  let opening: Promise<Session> | undefined
  const open = async (): Promise<Session> => {
    if (session === undefined) return Session.open(store, { ttlMs: TTL_MS, signal })
    mark('reopens its session')
    return session.reopen({ signal })
  }
  return async () => {
    if (session?.signal.aborted === false) return session
    opening ??= open().finally(() => {
      opening = undefined
    })
    session = await opening
    return session
  }
}

/** For `atEnd`: everybody goes home, and whose key is still there then is nobody's. */
export async function lineEmpties(world: SimulatedWorld<unknown, Exposed>, prefix: string): Promise<void> {
  await ask(world, (store) => store.put(CLOSING_TIME, ''))
  let left: readonly KeyValue[] = []
  for (const endMs = world.nowMs + EMPTY_WITHIN_MS; world.nowMs < endMs; await world.sleep(200)) {
    left = (await ask(world, (store) => store.range({ prefix }))).items
    if (left.length === 0) return
  }
  throw new Error(`${left.map(({ key }) => key).join(', ')} is left in the line`)
}

/** The values that a key had, in order. */
export function valuesOf(world: SimulatedWorld<unknown, Exposed>, key: string): Promise<readonly string[]> {
  return ask(world, async (store) => {
    const last = await store.get(key)
    const values: string[] = []
    if (last === undefined) return values
    for await (const event of store.watch(key, { startRevision: 1 })) {
      if (event.type === 'put') values.push(event.keyValue.text())
      if (event.revision === last.modRevision) break
    }
    return values
  })
}

/** What some node answers: one of them may still be on its way back from a restart. */
async function ask<Result>(
  { nodes, sleep }: SimulatedWorld<unknown, Exposed>,
  work: (store: Store) => Promise<Result>,
): Promise<Result> {
  for (let tries = 0; ; tries++) {
    const store = nodes[tries % nodes.length]?.exposed?.store
    try {
      if (store !== undefined) return await work(store)
    } catch (error) {
      if (!isStoreError(error)) throw error
    }
    await sleep(100)
  }
}
