/** A caller in the handshake of TLS: nothing of it is known, and it has as long for all it says as any other stranger. */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Cancel, Timers } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { remoteOf } from './remote-of.js'
import type { TlsGate } from './tls-gate.js'

export interface StrangerEvents {
  onSecured(socket: TLSSocket): void
  onFailed(reason: StoreError): void
}

export class TlsStranger {
  readonly remote: string
  readonly #socket: Socket
  readonly #deadline: Cancel
  #ended = false

  constructor(socket: Socket, gate: TlsGate, timers: Timers, handshakeMsMax: number, events: StrangerEvents) {
    this.#socket = socket
    this.remote = remoteOf(socket)
    this.#deadline = timers.after(handshakeMsMax, () => {
      this.close()
      events.onFailed(new StoreError('TIMEOUT', `No TLS handshake within ${handshakeMsMax} ms.`))
    })
    gate.enter(socket, {
      onSecured: (secured) => {
        if (this.#end()) events.onSecured(secured)
      },
      onFailed: (reason) => {
        if (this.#end()) events.onFailed(new StoreError('MALFORMED', `The TLS handshake failed: ${reason}.`))
        socket.destroy()
      },
    })
  }

  /** Without a report. */
  close(): void {
    if (this.#end()) this.#socket.destroy()
  }

  #end(): boolean {
    if (this.#ended) return false
    this.#ended = true
    this.#deadline()
    return true
  }
}

/** Whether a socket went through a handshake of TLS, whoever took it through. */
export function isSecured(socket: Socket): socket is TLSSocket {
  return 'encrypted' in socket && socket.encrypted === true
}
