/**
 * What Lock and Election have in common: a place in a line that a client takes by a lease of its own, or, where it names none,
 * by one that is granted for it. That one is kept alive while the call waits, and from then on is the client's to keep alive.
 */
import { isUtf8 } from 'node:buffer'
import { isStoreError } from '../../../base/errors.js'
import { NO_LEASE, type LeaseId } from '../../../base/lease-id.js'
import { holdAsGuest, type GuestHold } from '../../../recipes/lock/guest.js'
import { Session } from '../../../recipes/session/session.js'
import { Refusal } from '../refusal.js'
import type { Call } from '../service.js'

/** Of a lease that the client does not name. */
const TTL_MS = 60_000

export interface Wish {
  readonly name: Buffer
  readonly lease: LeaseId
  readonly value: Buffer
  /** What the client is told where its key is gone when its turn has come. */
  readonly lost: string
}

export interface ClientHold extends GuestHold {
  readonly lease: LeaseId
}

/** Waits until the client is in front. When it rejects, nothing of the client stands in the line, or soon will not. */
export async function holdForClient(wish: Wish, call: Call): Promise<ClientHold> {
  const name = nameOf(wish.name)
  try {
    if (wish.lease !== NO_LEASE) return await hold(wish, name, wish.lease, call)
    const session = await Session.open(call.store, { ttlMs: TTL_MS, signal: call.signal })
    try {
      const signal = AbortSignal.any([call.signal, session.signal])
      const held = await hold(wish, name, session.lease, { ...call, signal })
      session.orphan()
      return held
    } catch (error) {
      session.abandon()
      throw error
    }
  } catch (error) {
    if (!isStoreError(error, 'LOCK_LOST')) throw error
    throw new Refusal('UNKNOWN', wish.lost)
  }
}

/** The keys of a line are made of its name, as text. */
export function nameOf(name: Buffer): string {
  if (isUtf8(name)) return name.toString('utf8')
  throw new Refusal('INVALID_ARGUMENT', 'the name of a lock or an election must be text in UTF-8')
}

async function hold({ value }: Wish, name: string, lease: LeaseId, { store, signal }: Call): Promise<ClientHold> {
  return { ...(await holdAsGuest(store, { name, lease, value }, signal)), lease }
}
