/**
 * etcd's Lock: in one line with all mutexes of that name, those of other clients of etcd and those of this process
 * (recipes/lock). The key that is given is what the client unlocks by; the revision in the header is the fencing token.
 */
import type { LockService } from '../../generated/lock.js'
import type { Face } from '../face.js'
import type { Service } from '../service.js'
import { holdForClient } from './held-by-client.js'

const NO_VALUE = Buffer.alloc(0)

export function lockService(face: Face): Service<typeof LockService> {
  return {
    async lock({ name, lease }, call) {
      const wish = { name, lease, value: NO_VALUE, lost: 'mutex: session is expired' }
      const { key, revision } = await holdForClient(wish, call)
      return { header: face.header(revision), key: Buffer.from(key) }
    },
    async unlock({ key }, { store, signal }) {
      const { revision } = await store.delete(key, { signal })
      return { header: face.header(revision) }
    },
  }
}
