/**
 * Who this end is towards others, and whom it believes: certificate, key and authorities, read anew when their files change.
 *
 *     files ── content changed ──► fits together ──► counts for new connections
 *                                       └─ no ─────► logged, what was there before stays
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
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { utcText } from '../base/utc.js'
import { certificateCause } from './tls-causes.js'
import { checkTexts, readTexts, sameTexts } from './tls-files.js'
import type { TlsTexts } from './tls-files.js'
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
  readonly #environment: Pick<Environment, 'clock' | 'timers' | 'logger'>
  readonly #watchers = new Set<() => void>()
  #texts: TlsTexts | undefined
  #loading: Promise<void> | undefined
  /** What was refused last, so that it is logged once. */
  #refused: { readonly reason: string; readonly texts: TlsTexts | undefined } | undefined
  #poll: Cancel | undefined
  #closed = false

  constructor(settings: TlsSettings, environment: Pick<Environment, 'clock' | 'timers' | 'logger'>) {
    this.#settings = settings
    this.#environment = environment
  }

  /** Reads the files, the first time. Rejects with `TLS_INVALID`, after which it may be called again. */
  ready(): Promise<void> {
    this.#loading ??= this.#load().catch((error: unknown) => {
      this.#loading = undefined
      throw error
    })
    return this.#loading
  }

  /** What counts now, for `tls.createServer` and `setSecureContext`. Once it is {@link ready}. */
  get credentials(): TlsCredentials {
    if (this.#texts === undefined) throw new TypeError('The certificates were not read yet.')
    const { passphrase } = this.#settings
    return { ...this.#texts, ...(passphrase === undefined ? {} : { passphrase }), minVersion: VERSION_MIN }
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
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  close(): void {
    this.#closed = true
    this.#poll?.()
    this.#watchers.clear()
  }

  #nameOf(host: string): string {
    return this.#settings.serverName ?? host
  }

  async #load(): Promise<void> {
    const texts = await readTexts(this.#settings)
    this.#take(texts)
    this.#schedule()
  }

  #take(texts: TlsTexts): void {
    const { endsAt } = checkTexts(texts, this.#settings.passphrase)
    this.#texts = texts
    this.#refused = undefined
    const { clock, logger } = this.#environment
    if (endsAt > utcText(clock.wallMs())) return
    logger.warn('the certificate of this member has expired', { expiredAt: endsAt })
  }

  #schedule(): void {
    const { cert, key, ca, reloadIntervalMs } = this.#settings
    if (this.#closed || reloadIntervalMs === Infinity || ![cert, key, ca].some((source) => 'file' in source)) return
    this.#poll = this.#environment.timers.after(reloadIntervalMs, () => void this.#reload())
  }

  /** Never rejects. */
  async #reload(): Promise<void> {
    let texts: TlsTexts | undefined
    try {
      texts = await readTexts(this.#settings)
      if (this.#closed) return
      if (this.#texts !== undefined && sameTexts(texts, this.#texts)) {
        this.#refused = undefined
      } else {
        this.#take(texts)
        this.#environment.logger.info('new certificates count for new connections')
        for (const changed of this.#watchers) changed()
      }
    } catch (error) {
      this.#refuse(error instanceof StoreError ? error.message : String(error), texts)
    }
    this.#schedule()
  }

  #refuse(reason: string, texts: TlsTexts | undefined): void {
    const before = this.#refused
    const same =
      before?.texts === undefined || texts === undefined ? before?.texts === texts : sameTexts(before.texts, texts)
    if (before?.reason === reason && same) return
    this.#refused = { reason, texts }
    this.#environment.logger.warn('new certificates are not used, those before still count', { reason })
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
