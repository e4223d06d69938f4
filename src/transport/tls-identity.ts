/**
 * Who this end is towards others, and whom it believes: certificate, key and authorities, read anew when their files change.
 *
 * Always: a connection that stands is left alone, whatever changes. To exchange an authority, let both the old and the new one
 * be believed for a time (docs/OPERATING.md).
 * Always: mutual, at least TLS 1.2, and each connection proves itself anew: no session is taken up again, since what is taken
 * up was not checked against what counts now, and since Node calls one authorized that never showed a certificate.
 */
import { constants } from 'node:crypto'
import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import type { ConnectionOptions, PeerCertificate, TlsOptions as ServerOptions } from 'node:tls'
import type { Cancel, Environment } from '../base/clock.js'
import { quote } from '../base/quote.js'
import { certificateCause } from '../runtime/tls-causes.js'
import { TlsWatch } from '../runtime/tls-watch.js'
import type { TlsSettings } from './tls-options.js'

const VERSION_MIN = 'TLSv1.2'

/** What this end shows, and what it believes others by. */
export interface TlsCredentials {
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly passphrase?: string
  readonly minVersion: 'TLSv1.2'
}

/** What is known of a caller whose handshake is done, as `TLSSocket` tells it. */
export interface TlsCaller {
  readonly authorized: boolean
  readonly authorizationError: Error | string | null | undefined
  isSessionReused(): boolean
  getPeerCertificate(): PeerCertificate | object
}

export class TlsIdentity {
  readonly #settings: TlsSettings
  readonly #watch: TlsWatch

  constructor(settings: TlsSettings, environment: Pick<Environment, 'clock' | 'timers' | 'logger'>) {
    const { cert, key, ca, passphrase, reloadIntervalMs } = settings
    this.#settings = settings
    this.#watch = new TlsWatch({ sources: { cert, key, ca }, passphrase, reloadIntervalMs }, environment)
  }

  /** Reads the files, the first time. Rejects with `TLS_INVALID`, after which it may be called again. */
  ready(): Promise<void> {
    return this.#watch.ready()
  }

  /** What counts now, for `tls.createServer` and `setSecureContext`. Once it is {@link ready}. */
  get credentials(): TlsCredentials {
    const { cert, key, ca } = this.#watch.texts
    const { passphrase } = this.#settings
    return { cert, key, ca, ...(passphrase === undefined ? {} : { passphrase }), minVersion: VERSION_MIN }
  }

  /**
   * For a server of Node. It lets everybody finish the handshake, so that who is refused can be told why: ask
   * {@link callerRefusal} before anything is read.
   */
  get serverOptions(): ServerOptions {
    const secureOptions = constants.SSL_OP_NO_TICKET
    return { ...this.credentials, secureOptions, requestCert: true, rejectUnauthorized: false }
  }

  /** For dialling `host`, besides where to. Who answers is checked within the handshake. */
  clientOptions(host: string): ConnectionOptions {
    const name = this.#nameOf(host)
    return {
      ...this.credentials,
      rejectUnauthorized: true,
      // An address is no name that could be asked for.
      servername: isIP(name) === 0 ? name : '',
      checkServerIdentity: (_asked, certificate) => checkServerIdentity(name, certificate),
    }
  }

  /** Why a caller that showed this is not believed to belong to the cluster; undefined where it is. */
  callerRefusal(caller: TlsCaller): string | undefined {
    const certificate = certificateOf(caller)
    if (certificate === undefined) return 'it showed no certificate: it may have been started with another `tls`'
    if (!caller.authorized) return describeUnauthorized(String(caller.authorizationError))
    if (caller.isSessionReused()) return 'it took up an earlier session'
    const { allowedNames } = this.#settings
    if (allowedNames === undefined) return undefined
    const names = namesOf(certificate)
    if (names.some((name) => allowedNames.includes(name))) return undefined
    return `its certificate is for ${names.map(quote).join(', ')}, and none of these is among allowedNames`
  }

  /**
   * Why a caller, who is believed otherwise, is not the member that the cluster knows at `host()`, which may throw: the address
   * came from a configuration that others decided on.
   */
  peerRefusal(caller: TlsCaller, host: () => string): string | undefined {
    const certificate = certificateOf(caller)
    if (certificate === undefined) return 'it showed no certificate'
    try {
      return checkServerIdentity(this.#nameOf(host()), certificate)?.message
    } catch (error) {
      return (error as Error).message
    }
  }

  /** Tells when what counts is another. */
  watch(changed: () => void): Cancel {
    return this.#watch.watch(changed)
  }

  close(): void {
    this.#watch.close()
  }

  #nameOf(host: string): string {
    return this.#settings.serverName ?? host
  }
}

/** Node tells of none by an empty object. */
function certificateOf(caller: TlsCaller): PeerCertificate | undefined {
  const certificate = caller.getPeerCertificate()
  return 'raw' in certificate ? certificate : undefined
}

/** Common name, and every alternative one. */
function namesOf({ subject, subjectaltname = '' }: PeerCertificate): string[] {
  // In quotes stands what could be taken for several names: none that anybody would allow.
  const alternatives = subjectaltname.includes('"') ? [] : subjectaltname.split(', ')
  const names = alternatives.map((name) => name.slice(name.indexOf(':') + 1))
  return [subject.CN, ...names].flat().flatMap((name) => (name === undefined || name === '' ? [] : [name]))
}

function describeUnauthorized(code: string): string {
  return `${certificateCause(code) ?? 'its certificate does not count'} (${code})`
}
