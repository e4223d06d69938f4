/**
 * gRPC's health service, for load balancers and probes. It tells of the server as a whole, by the name ''; whether the cluster
 * has a leader is not asked, as with etcd: `/health` and `/readyz` tell that.
 */
import { HealthCheckResponse_ServingStatus as ServingStatus, type HealthService } from '../../generated/health.js'
import type { Store } from '../../../api/store.js'
import type { Face } from '../face.js'
import { Refusal } from '../refusal.js'
import type { Service } from '../service.js'

const WHOLE = ''

export function healthService(face: Face): Service<typeof HealthService> {
  return {
    async check({ service }) {
      if (service !== WHOLE) throw new Refusal('NOT_FOUND', 'unknown service')
      return { status: statusOf(face.store) }
    },

    async *watch({ service }, { signal }) {
      if (service !== WHOLE) {
        yield { status: ServingStatus.SERVICE_UNKNOWN }
        await ended(signal)
        return
      }
      const over = ended(signal)
      yield { status: statusOf(face.store) }
      if (statusOf(face.store) === ServingStatus.SERVING) {
        await Promise.race([stopped(face.store, signal), over])
        if (!signal.aborted) yield { status: ServingStatus.NOT_SERVING }
      }
      await over
    },
  }
}

function statusOf(store: Store): ServingStatus {
  return store.health().live ? ServingStatus.SERVING : ServingStatus.NOT_SERVING
}

/** Resolves when the store will not work again. */
function stopped(store: Store, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const unlisten = (['failed', 'removed', 'closed'] as const).map((event) => store.on(event, () => resolve()))
    signal.addEventListener('abort', () => {
      for (const stop of unlisten) stop()
    })
  })
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
