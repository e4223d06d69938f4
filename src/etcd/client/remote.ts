/** What the parts of a remote store have in common: who calls, what is known, and the end. */
import type { Environment } from '../../base/clock.js'
import { isStoreError, StoreError } from '../../base/errors.js'
import type { Caller } from '../../api/auth.js'
import type { CallOptions } from '../../api/call-options.js'
import { kind } from '../../api/check-fields.js'
import { Closing } from '../../api/closing.js'
import type { ClusterMember } from '../../api/cluster.js'
import type { Alarm } from '../../api/maintenance.js'
import type { StoreEvents } from '../../api/store.js'
import type { StoreListeners } from '../../api/store-listeners.js'
import { AlarmRequest_AlarmAction, AlarmType, type ResponseHeader } from '../generated/rpc.js'
import { alarmsOf, membersOf } from './cluster-messages.js'
import type { ConnectAuth } from './connect-options.js'
import type { EtcdClient } from './etcd-client.js'
import type { KnownStatus } from './known-status.js'

interface RemoteParts {
  readonly known: KnownStatus
  readonly listeners: StoreListeners
  /** Ends what was begun for the store. */
  readonly end: () => void
}

export class Remote {
  readonly client: EtcdClient
  readonly known: KnownStatus
  /** Of this handle, where it is not the one that `connect()` returned: that one ends with the client. */
  readonly closing: Closing
  readonly #parts: RemoteParts
  readonly #isOwner: boolean

  private constructor(client: EtcdClient, parts: RemoteParts, closing: Closing, isOwner: boolean) {
    this.client = client
    this.known = parts.known
    this.closing = closing
    this.#parts = parts
    this.#isOwner = isOwner
  }

  /** Of the handle that `connect()` returns. */
  static owned(client: EtcdClient, parts: RemoteParts): Remote {
    return new Remote(client, parts, new Closing(), true)
  }

  get environment(): Environment {
    return this.client.environment
  }

  /** Throws TypeError for what names nobody, `PERMISSION_DENIED` for a user without a proof. */
  as(caller: Caller): Remote {
    return new Remote(this.client.as(authOf(caller)), this.#parts, new Closing(undefined, this.closing), false)
  }

  /** Throws `CLOSED`. */
  check(): void {
    this.closing.check()
    this.client.closed.throwIfAborted()
  }

  /** A call whose answer tells something of the cluster, too. */
  async call<Response extends { readonly header?: ResponseHeader | undefined }>(
    make: (client: EtcdClient) => Promise<Response>,
  ): Promise<Response> {
    this.closing.check()
    try {
      const response = await make(this.client)
      this.known.tell(response.header)
      return response
    } catch (error) {
      if (isStoreError(error) && error.compactRevision !== undefined) this.known.tellCompacted(error.compactRevision)
      throw error
    }
  }

  async members(linearizable: boolean, { signal, timeoutMs }: CallOptions): Promise<readonly ClusterMember[]> {
    const request = { linearizable }
    const { members } = await this.call(({ cluster }) => cluster.memberList(request, { signal, timeoutMs }))
    return this.tellMembers(membersOf(members))
  }

  /** The same ones. */
  tellMembers(members: readonly ClusterMember[]): readonly ClusterMember[] {
    this.known.tellMembers(members)
    return members
  }

  async alarms({ signal, timeoutMs }: CallOptions): Promise<readonly Alarm[]> {
    const request = { action: AlarmRequest_AlarmAction.GET, memberID: 0n, alarm: AlarmType.NONE }
    const options = { signal, timeoutMs, repeatable: true }
    const { alarms } = await this.call(({ maintenance }) => maintenance.alarm(request, options))
    const active = alarmsOf(alarms)
    this.known.tellAlarms(active)
    return active
  }

  /** Looks at the member that is asked, for {@link known}. */
  async refresh({ signal, timeoutMs }: CallOptions): Promise<void> {
    const status = await this.call(({ maintenance }) => maintenance.status({}, { signal, timeoutMs }))
    this.known.tellStatus(status)
  }

  on<Name extends keyof StoreEvents>(event: Name, listener: StoreEvents[Name]): () => void {
    const { listeners } = this.#parts
    const add = <Each extends keyof StoreEvents>(each: Each, told: StoreEvents[Each]) => listeners.add(each, told)
    if (event !== 'closed' || this.#isOwner) return add(event, listener)
    return this.closing.onClosed({ on: add, environment: this.environment }, listener as StoreEvents['closed'])
  }

  close(): Promise<void> {
    if (this.#isOwner) this.#parts.end()
    else this.closing.close()
    return Promise.resolve()
  }
}

function authOf(caller: Caller): ConnectAuth | undefined {
  if (caller === 'anonymous') return undefined
  if (typeof caller === 'object' && caller !== null) {
    if ('token' in caller && typeof caller.token === 'string') return { token: caller.token }
    if ('user' in caller && typeof caller.user === 'string') {
      throw new StoreError(
        'PERMISSION_DENIED',
        'A server takes no user at their word: say as({ token }), with a token that auth.login() gave.',
      )
    }
  }
  throw new TypeError(`as() takes { token }, { user } or 'anonymous', not ${kind(caller)}`)
}
