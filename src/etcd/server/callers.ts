/**
 * On whose behalf a call is made: whoever its token names, or the user that a verified client certificate names, or nobody.
 *
 * Always: handles are kept for the callers that called last, since making one costs more than most calls do; which of them
 * still count is found out by the store with each call.
 */
import { LIMITS } from '../../base/limits.js'
import type { Store } from '../../api/store.js'

const BEARER = /^bearer +/i

export class Callers {
  readonly #store: Store
  readonly #anonymous: Store
  /** By token, the one that was used last at the end. */
  readonly #byToken = new Map<string, Store>()
  readonly #byUser = new Map<string, Store>()

  constructor(store: Store) {
    this.#store = store
    this.#anonymous = store.as('anonymous')
  }

  /** @param authorization the token as it was sent, with or without `Bearer`; undefined for none. */
  of(authorization: string | undefined, user: string | undefined): Store {
    if (authorization !== undefined && authorization !== '') return this.#ofToken(authorization)
    if (user !== undefined && user !== '') return this.#ofUser(user)
    return this.#anonymous
  }

  #ofToken(authorization: string): Store {
    const token = authorization.replace(BEARER, '')
    return kept(this.#byToken, token, () => this.#store.as({ token }))
  }

  #ofUser(user: string): Store {
    return kept(this.#byUser, user, () => this.#store.as({ user }))
  }
}

function kept(handles: Map<string, Store>, name: string, make: () => Store): Store {
  let handle = handles.get(name)
  if (handle !== undefined) handles.delete(name)
  else handle = make()
  handles.set(name, handle)
  if (handles.size > LIMITS.etcdCallersMax) {
    const [oldest] = handles.keys()
    // Not closed: calls and watches of it may be under way.
    if (oldest !== undefined) handles.delete(oldest)
  }
  return handle
}
