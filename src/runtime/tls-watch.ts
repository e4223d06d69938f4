/**
 * The texts of a TLS identity, read anew when their files change.
 *
 *     files ── content changed ──► fits together ──► counts for new connections
 *                                       └─ no ─────► logged, what was there before stays
 *
 * Always: a connection that stands is left alone, whatever changes.
 */
import type { Cancel, Environment } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { utcText } from '../base/utc.js'
import { checkTexts, readTexts, sameTexts, type TlsSources, type TlsTexts } from './tls-files.js'

export interface TlsWatchSettings {
  readonly sources: TlsSources
  /** Of the private key, where it is encrypted. */
  readonly passphrase: string | undefined
  /** Milliseconds between two looks at the files; Infinity: never again. */
  readonly reloadIntervalMs: number
}

export class TlsWatch {
  readonly #settings: TlsWatchSettings
  readonly #environment: Pick<Environment, 'clock' | 'timers' | 'logger'>
  readonly #watchers = new Set<() => void>()
  #texts: TlsTexts | undefined
  #loading: Promise<void> | undefined
  /** What was refused last, so that it is logged once. */
  #refused: { readonly reason: string; readonly texts: TlsTexts | undefined } | undefined
  #poll: Cancel | undefined
  #closed = false

  constructor(settings: TlsWatchSettings, environment: Pick<Environment, 'clock' | 'timers' | 'logger'>) {
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

  /** What counts now. Once it is {@link ready}. */
  get texts(): TlsTexts {
    if (this.#texts === undefined) throw new TypeError('The certificates were not read yet.')
    return this.#texts
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

  async #load(): Promise<void> {
    const texts = await readTexts(this.#settings.sources)
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
    const { sources, reloadIntervalMs } = this.#settings
    const inFiles = Object.values(sources).some((source) => source !== undefined && 'file' in source)
    if (this.#closed || reloadIntervalMs === Infinity || !inFiles) return
    this.#poll = this.#environment.timers.after(reloadIntervalMs, () => void this.#reload())
  }

  /** Never rejects. */
  async #reload(): Promise<void> {
    let texts: TlsTexts | undefined
    try {
      texts = await readTexts(this.#settings.sources)
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
