/** connect(): the store over servers of etcd's API, and what it knows of them kept fresh. */
import { isStoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import type { Store } from '../../api/store.js'
import { StoreListeners } from '../../api/store-listeners.js'
import type { ConnectOptions } from './connect-options.js'
import { EtcdClient } from './etcd-client.js'
import { KnownStatus } from './known-status.js'
import { Remote } from './remote.js'
import { RemoteStore } from './remote-store.js'

/**
 * The store of an etcd cluster, or of one of ours that is served by `serveEtcd()` or `quorate serve`: the same contract as
 * that of `open()`, so that what runs on the one runs on the other.
 *
 * One server of `endpoints` is asked at a time. When it does not answer another one is, and what only reads, or was certainly
 * not taken up, is asked again there; of any other write the outcome is `unknown`, as the error says. Watches go on where they
 * were. A watch without `startRevision` shows what happens after the call, and may show changes of others from up to
 * LIMITS.clientStatusMs before.
 *
 * `status()` tells what the last answers told; `remote` is true in it, and what no server tells is empty there. Of two things
 * etcd's protocol has nothing: quotas of prefixes and `maintenance.check()` (`NOT_SUPPORTED`). `close()` ends calls under way
 * with `CLOSED`; it does nothing to the servers.
 *
 * Rejects with `TIMEOUT` where no server is reached within `timeoutMs`, and says why of each; `AUTH_FAILED` for a wrong password,
 * `TLS_INVALID`; TypeError and RangeError for options that are none.
 *
 * @example
 * const store = await connect({
 *   endpoints: ['https://10.0.0.1:2379', 'https://10.0.0.2:2379'],
 *   tls: { caFile: 'ca.pem' },
 *   auth: { user: 'ann', password },
 * })
 * await store.put('config/db', 'postgres://db1')
 * await new Mutex(store, 'jobs/nightly').withLock(run)
 */
export async function connect(options: ConnectOptions): Promise<Store> {
  const client = await EtcdClient.open(options)
  const { environment } = client
  const listeners = new StoreListeners(environment.logger)
  const known = new KnownStatus((leader, term) => {
    listeners.leaderChanged(leader, term)
  })
  let stopLooking = (): void => undefined
  let hasEnded = false
  const end = (): void => {
    if (hasEnded) return
    hasEnded = true
    stopLooking()
    known.close()
    client.close()
    listeners.closed()
  }
  const remote = Remote.owned(client, { known, listeners, end })
  try {
    await look(remote)
  } catch (error) {
    end()
    throw error
  }
  const lookLater = (): void => {
    stopLooking = environment.timers.after(LIMITS.clientStatusMs, () => {
      void look(remote)
        .catch((error: unknown) => {
          if (hasEnded) return
          environment.logger.info('the status of the cluster is not known', { reason: String(error) })
        })
        .finally(() => {
          if (!hasEnded) lookLater()
        })
    })
  }
  lookLater()
  return new RemoteStore(remote)
}

/** At the members and alarms of the cluster, and at the member that is asked. */
async function look(remote: Remote): Promise<void> {
  await unlessRefused(() => remote.members(false, {}))
  await unlessRefused(() => remote.refresh({}))
  await unlessRefused(() => remote.alarms({}))
}

const REFUSALS: readonly string[] = [
  ...['PERMISSION_DENIED', 'USER_EMPTY', 'AUTH_TOKEN_INVALID', 'AUTH_REVISION_OLD', 'NOT_SUPPORTED'],
]

/** Whoever may not look at it can call all the same, as far as they may. */
async function unlessRefused(ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask()
  } catch (error) {
    if (!isStoreError(error) || !REFUSALS.includes(error.code)) throw error
  }
}
