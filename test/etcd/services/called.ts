/** Services without a door: their functions over a store, called on behalf of whoever it is. */
import type { Store } from '../../../src/api/store.js'
import { isStoreError } from '../../../src/base/errors.js'
import type { Face } from '../../../src/etcd/server/face.js'
import { Refusal } from '../../../src/etcd/server/refusal.js'
import type { Call } from '../../../src/etcd/server/service.js'

export function faceOver(store: Store): Face {
  return {
    store,
    environment: store.environment,
    settings: {} as Face['settings'],
    header(revision) {
      const status = store.status()
      const [cluster_id, member_id] = [BigInt(status.clusterId), BigInt(status.memberId)]
      return { cluster_id, member_id, revision: BigInt(revision ?? status.revision), raft_term: BigInt(status.term) }
    },
  }
}

export function callOf(store: Store, signal: AbortSignal = new AbortController().signal): Call {
  return { store, signal }
}

/** What a call is refused with: the code of the store's error, or the status and the text of a refusal. */
export async function refused(call: Promise<unknown>): Promise<string> {
  const error: unknown = await call.then(
    (answer) => new Error(`it was answered: ${String(answer)}`),
    (reason: unknown) => reason,
  )
  if (isStoreError(error)) return error.code
  if (error instanceof Refusal) return `${error.status} ${error.message}`
  throw error
}

/** All that a stream gives. */
export async function all<Message>(stream: AsyncIterable<Message>): Promise<Message[]> {
  const messages: Message[] = []
  for await (const message of stream) messages.push(message)
  return messages
}
