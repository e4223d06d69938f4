/**
 * Takes connections through the handshake of TLS, and keeps who is at the other end of each.
 *
 * Always: who somebody is belongs to the connection itself, not to where it comes from: two may come from one address and port.
 * Always: new certificates count for the next handshake, and for no connection before.
 * Always: each connection proves itself anew: what is taken up of an earlier one was not checked against what counts now.
 */
import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { checkServerIdentity, createServer } from 'node:tls'
import type { PeerCertificate, Server, TLSSocket, TlsOptions } from 'node:tls'
import { checkName } from '../../api/auth.js'
import type { Environment } from '../../base/clock.js'
import { LIMITS } from '../../base/limits.js'
import { quote } from '../../base/quote.js'
import { certificateCause, tlsCause } from '../../runtime/tls-causes.js'
import { secureContextOf } from '../../runtime/tls-files.js'
import { TlsWatch } from '../../runtime/tls-watch.js'
import type { EtcdTlsSettings } from './tls-options.js'

export class TlsDoor {
  readonly #settings: EtcdTlsSettings
  readonly #environment: Environment
  readonly #watch: TlsWatch
  readonly #server: Server
  /** Whom they name; each connection has a certificate of its own here, though it be the same. */
  readonly #users = new WeakMap<PeerCertificate, string>()

  private constructor(
    settings: EtcdTlsSettings,
    environment: Environment,
    watch: TlsWatch,
    take: (secured: TLSSocket) => void,
  ) {
    this.#settings = settings
    this.#environment = environment
    this.#watch = watch
    this.#server = createServer(this.#options)
    watch.watch(() => this.#server.setSecureContext(this.#options))
    this.#server.on('secureConnection', (socket) => this.#judge(socket, take))
    this.#server.on('tlsClientError', (error, socket) => {
      // What follows is of no interest, and must not be uncaught.
      socket.on('error', () => undefined)
      this.#refuse(socket, tlsCause(error) ?? error.message)
    })
  }

  /** Rejects with `TLS_INVALID`. `take` is called with each connection whose handshake is done. */
  static async open(
    settings: EtcdTlsSettings,
    environment: Environment,
    take: (secured: TLSSocket) => void,
  ): Promise<TlsDoor> {
    const { cert, key, ca, crl, passphrase, reloadIntervalMs } = settings
    const watch = new TlsWatch({ sources: { cert, key, ca, crl }, passphrase, reloadIntervalMs }, environment)
    await watch.ready()
    return new TlsDoor(settings, environment, watch, take)
  }

  /** It has LIMITS.etcdHelloMsMax for the handshake. */
  enter(socket: Socket): void {
    this.#server.emit('connection', socket)
  }

  /** Whom it names, where that is to count: of a connection that came through here, as its `getPeerCertificate()` gives it. */
  userOf(certificate: PeerCertificate): string | undefined {
    return this.#users.get(certificate)
  }

  close(): void {
    this.#watch.close()
  }

  get #options(): TlsOptions {
    const { ca, passphrase, minVersion, maxVersion, ciphers } = this.#settings
    return {
      ...secureContextOf(this.#watch.texts, passphrase),
      ...(maxVersion === undefined ? {} : { maxVersion }),
      ...(ciphers === undefined ? {} : { ciphers }),
      minVersion,
      secureOptions: constants.SSL_OP_NO_TICKET,
      // Clients of gRPC speak h2 and nothing else; who speaks both, like curl and browsers, does not want gRPC.
      ALPNProtocols: ['http/1.1', 'h2'],
      requestCert: ca !== undefined,
      // Within the handshake, so that a client learns of it as of any other failure of it.
      rejectUnauthorized: ca !== undefined,
      handshakeTimeout: LIMITS.etcdHelloMsMax,
    }
  }

  #judge(socket: TLSSocket, take: (secured: TLSSocket) => void): void {
    socket.on('error', () => undefined)
    if (this.#settings.ca !== undefined) {
      const certificate = socket.getPeerCertificate()
      const refusal = socket.isSessionReused() ? 'it took up an earlier session' : this.#refusalOf(certificate)
      if (refusal !== undefined) {
        this.#refuse(socket, refusal)
        return
      }
      if (this.#settings.clientCertAuth) this.#remember(socket, certificate)
    }
    take(socket)
  }

  #refusalOf(certificate: PeerCertificate): string | undefined {
    const { allowedHostname, allowedNames } = this.#settings
    if (allowedHostname !== undefined) {
      const wrong = checkServerIdentity(allowedHostname, certificate)
      if (wrong !== undefined) return wrong.message
    }
    const name = nameOf(certificate)
    if (allowedNames === undefined || (name !== undefined && allowedNames.includes(name))) return undefined
    return `its certificate is for ${quote(name ?? '')}, which is not among allowedNames`
  }

  #remember(socket: TLSSocket, certificate: PeerCertificate): void {
    const user = nameOf(certificate)
    if (user === undefined || !isUserName(user)) return
    this.#users.set(certificate, user)
    // For whoever serves it, with each call: the same object, and without taking it apart again.
    socket.getPeerCertificate = (() => certificate) as TLSSocket['getPeerCertificate']
  }

  #refuse(socket: TLSSocket, reason: string): void {
    const { authorizationError } = socket
    const cause = authorizationError ? (certificateCause(String(authorizationError)) ?? reason) : reason
    this.#environment.logger.warn('a client was refused by TLS', { remote: socket.remoteAddress, reason: cause })
    socket.destroy()
  }
}

/** The common name; of several, the last one, as Go takes it. */
function nameOf({ subject }: PeerCertificate): string | undefined {
  const name: string | string[] | undefined = subject.CN
  return Array.isArray(name) ? name.at(-1) : name
}

/** A name that no user can have is nobody's. */
function isUserName(name: string): boolean {
  try {
    checkName(name, 'a user')
    return true
  } catch {
    return false
  }
}
