/**
 * A typed value under one key, kept up to date, of which only what is valid is ever shown.
 *
 * Always: what is shown was validated, or is the fallback. A value that is not valid, whoever wrote it, changes `invalid` and
 * nothing else; nothing is thrown in the background.
 * Always: what is shown follows from what is stored, and not from when this process looked: when the latest version is not
 * valid, the ones before it are looked at, so that a process that starts now shows what those show that run already.
 * Not here: how the key is followed (cached-view.ts).
 */
import { CALL_FIELDS, checkSignal } from '../../api/check-call.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import { compare, put, type Revision } from '../../api/operations.js'
import type { CallOptions, Store } from '../../api/store.js'
import { keyOf, type BytesLike } from '../../base/bytes.js'
import { StoreError } from '../../base/errors.js'
import { quoteKey } from '../../base/quote.js'
import { CachedView } from '../view/cached-view.js'
import { checkConfigurationOptions, type ConfigurationOptions } from './configuration-options.js'
import { checkStore } from '../check-store.js'
import { Condition } from '../condition.js'
import { Patience, type WaitOptions } from '../patience.js'
import { describeIssues, type SchemaInput, type SchemaOutput, type StandardSchema } from './standard-schema.js'
import { notPromise } from '../synchronous.js'
import {
  DELETED,
  ShownConfiguration,
  type ConfigurationState,
  type InvalidConfiguration,
} from './shown-configuration.js'
import { VersionReader } from './version-reader.js'

export interface SetOptions extends CallOptions {
  /** Write only if what is stored is of this revision, valid or not; 0: if nothing is. Default: write whatever is stored. */
  readonly ifRevision?: Revision | undefined
}

const SET_FIELDS: Fields<SetOptions> = { ifRevision: true, ...CALL_FIELDS }

/**
 * A configuration that follows what is stored until it is closed.
 *
 * @example
 * const schema = z.object({ url: z.string() })
 * const config = await Configuration.open(store, 'config/db', { schema, fallback: { url: 'postgres://localhost' } })
 * connect(config.value.url)
 * for await (const { value } of config.changes({ signal })) connect(value.url)
 */
export class Configuration<Output, Input = Output> implements AsyncDisposable {
  readonly #store: Store
  readonly #key: BytesLike
  readonly #options: ConfigurationOptions<StandardSchema<unknown, Output>>
  readonly #view: CachedView
  readonly #reader: VersionReader<Output>
  readonly #closing = new AbortController()
  /** Called when something else is shown, and when nothing will be any more. */
  /** Something else is shown, or nothing will be any more. */
  readonly #changed = new Condition()
  readonly #shown: ShownConfiguration<Output>
  /** Of the version that was looked at last; 0 of none. */
  #looked: Revision | undefined
  /** Looks come one after the other. */
  #looking: Promise<void> = Promise.resolve()
  #gone: { readonly error: unknown } | undefined
  #running: Promise<void> | undefined

  private constructor(
    store: Store,
    key: BytesLike,
    options: ConfigurationOptions<StandardSchema<unknown, Output>>,
    view: CachedView,
  ) {
    this.#store = store
    this.#key = key
    this.#options = options
    this.#view = view
    this.#shown = new ShownConfiguration(options.fallback, () => {
      this.#changed.tell()
    })
    this.#reader = new VersionReader(store, key, options.schema, options.parse ?? JSON.parse)
  }

  /**
   * Resolves with a configuration that shows the latest valid version, or the fallback. Rejects with
   * `CONFIGURATION_INVALID` when there is neither, `ABORTED` or `TIMEOUT` when waiting is given up, and with what the store
   * rejects with where that cannot pass.
   */
  static async open<Schema extends StandardSchema>(
    store: Store,
    key: BytesLike,
    options: ConfigurationOptions<Schema>,
  ): Promise<Configuration<SchemaOutput<Schema>, SchemaInput<Schema>>> {
    checkStore(store)
    checkConfigurationOptions(options)
    if (keyOf(key) === '') throw new TypeError('key must have at least one byte')
    const patience = new Patience(store.environment, options)
    let view: CachedView | undefined
    try {
      view = await CachedView.open(store, key, { signal: patience.signal, checkEveryMs: options.checkEveryMs })
      const typed = options as ConfigurationOptions<StandardSchema<unknown, SchemaOutput<Schema>>>
      const configuration = new Configuration<SchemaOutput<Schema>, SchemaInput<Schema>>(store, key, typed, view)
      await configuration.#begin(patience)
      return configuration
    } catch (error) {
      await view?.close()
      patience.signal.throwIfAborted()
      throw error
    } finally {
      patience.end()
    }
  }

  /** The latest valid value, or the fallback. The same object for all who read it: not to be changed. */
  get value(): Output {
    return this.#state.value
  }

  /** At which {@link value} was stored; undefined while the fallback is shown. */
  get revision(): Revision | undefined {
    return this.#state.revision
  }

  /** How often the key had been written when {@link value} was; undefined while the fallback is shown. */
  get version(): number | undefined {
    return this.#state.version
  }

  get origin(): ConfigurationState<Output>['origin'] {
    return this.#state.origin
  }

  /** What the latest that is stored is wrong in; undefined while it is shown, or nothing is stored and the fallback shown. */
  get invalid(): InvalidConfiguration | undefined {
    return this.#shown.invalid
  }

  /** As of a `CachedView`: everything that was stored longer ago was seen. */
  get staleMs(): number {
    return this.#view.staleMs
  }

  /** As of a `CachedView`: why it does not follow at the moment. */
  get trouble(): Error | undefined {
    return this.#view.trouble
  }

  /**
   * What is shown, each time another value is, from the call on. A slow consumer gets the last one. What is stored and not
   * valid is not told here, but by `invalid`, and once in the log. Ends without an error when `signal` aborts or the
   * configuration is closed; throws when the store is closed or has failed.
   */
  changes(
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<ConfigurationState<Output>, void, undefined> {
    checkFields(options, { signal: true }, 'changes()')
    checkSignal(options.signal)
    return this.#changesSince(this.#state, options.signal)
  }

  /**
   * Stores a value, after it was validated in the form in which others will read it. Throws TypeError, with the issues, when it
   * is not valid: nothing is written. Rejects with `CLOSED` once it is closed, with `CONFIGURATION_CHANGED` where `ifRevision` does not hold, and with what
   * the store rejects with. It is shown when {@link includes} of the revision resolves.
   *
   * @example
   * const { revision } = await config.set({ url: 'postgres://db2' }, { ifRevision: config.revision ?? 0 })
   * await config.includes(revision)
   */
  async set(value: Input, options: SetOptions = {}): Promise<{ readonly revision: Revision }> {
    checkFields(options, SET_FIELDS, 'set()')
    const { ifRevision, ...call } = options
    if (ifRevision !== undefined && typeof ifRevision !== 'number') {
      throw new TypeError(`ifRevision must be a number, not ${kind(ifRevision)}`)
    }
    this.#closing.signal.throwIfAborted()
    const unchanged = ifRevision === undefined ? [] : [compare(this.#key).modRevision('=', ifRevision)]
    const text = await this.#textOf(value, call)
    const { succeeded, revision } = await this.#store.txn({ compare: unchanged, success: [put(this.#key, text)] }, call)
    if (succeeded) return { revision }
    throw new StoreError(
      'CONFIGURATION_CHANGED',
      `${this.#name} is not of revision ${ifRevision} any more: somebody else changed it`,
    )
  }

  /** Resolves when everything that was stored up to `revision` has been looked at. Rejects as {@link CachedView.includes} does. */
  async includes(revision: Revision, options: WaitOptions = {}): Promise<void> {
    checkFields(options, CALL_FIELDS, 'includes()')
    const patience = new Patience(this.#store.environment, options)
    try {
      await patience.within(this.#view.includes(revision, { signal: patience.signal }))
      await patience.within(this.#look())
    } finally {
      patience.end()
    }
  }

  /** Follows no more; what is shown stays. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort(new StoreError('CLOSED', 'the configuration was closed'))
    this.#changed.tell()
    await this.#view.close()
    await this.#running
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get #name(): string {
    return quoteKey(keyOf(this.#key))
  }

  /** There from when it is open on. */
  get #state(): ConfigurationState<Output> {
    return this.#shown.state as ConfigurationState<Output>
  }

  async #begin(patience: Patience): Promise<void> {
    const changes = this.#view.changes({ backlogMax: 1 })
    await this.#tryLook(patience)
    if (this.#shown.state === undefined) {
      const { issues } = this.invalid ?? { issues: DELETED }
      throw new StoreError(
        'CONFIGURATION_INVALID',
        `${this.#name} has no valid value, and there is no fallback: ${describeIssues(issues)}`,
        { cause: issues },
      )
    }
    this.#running = this.#follow(changes)
  }

  async #follow(changes: AsyncIterable<unknown>): Promise<void> {
    try {
      // What is there now counts; a change only says that it is time to look.
      for await (const _ of changes) await this.#look()
    } catch (error) {
      this.#gone = { error }
      this.#changed.tell()
    }
  }

  /** Never rejects. */
  #look(): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      const patience = new Patience(this.#store.environment, { signal: this.#closing.signal })
      try {
        await this.#tryLook(patience)
      } catch (error) {
        if (this.#closing.signal.aborted) return
        this.#log('the last good value of a configuration cannot be looked for', { reason: String(error) })
      } finally {
        patience.end()
      }
    })
    return this.#looking
  }

  async #tryLook(patience: Patience): Promise<void> {
    const found = this.#view.get(this.#key)
    const { revision } = this.#view
    if (this.#looked === (found?.modRevision ?? 0)) return
    this.#looked = found?.modRevision ?? 0
    if (found === undefined) {
      this.#shown.deleted(revision)
      return
    }
    const { modRevision, version } = found
    const result = await this.#reader.read(found.text(), patience)
    if (result.issues === undefined) {
      this.#shown.valid({ value: result.value, revision: modRevision, version })
      return
    }
    const { issues } = result
    this.#log('a configuration that is not valid is stored', { revision: modRevision, issues: issues.length })
    // What is shown and what is wrong with the latest change together: until the last good one is found, neither does.
    const good = await this.#reader.lastBefore(found, this.#shown.version, patience)
    this.#shown.notValid(modRevision, issues, good, found.createRevision)
  }

  async *#changesSince(
    seen: ConfigurationState<Output>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ConfigurationState<Output>, void, undefined> {
    const closing = this.#closing.signal
    const isOver = (): boolean => signal?.aborted === true || closing.aborted
    const isNews = (): boolean => this.#state.value !== seen.value || this.#state.revision !== seen.revision
    for (;;) {
      await this.#changed.until(() => isOver() || isNews() || this.#gone !== undefined, signal ?? closing)
      if (isOver()) return
      if (isNews()) yield (seen = this.#state)
      else if (this.#gone !== undefined) throw this.#gone.error
    }
  }

  /** Throws TypeError for what others could not read. */
  async #textOf(value: Input, call: CallOptions): Promise<string> {
    const { stringify = JSON.stringify } = this.#options
    const text: unknown = notPromise(stringify(value), 'stringify')
    if (typeof text !== 'string') {
      throw new TypeError(`a value of ${this.#name} must become text to be stored, not ${kind(text)}`)
    }
    const patience = new Patience(this.#store.environment, call)
    const { issues } = await this.#reader.read(text, patience).finally(() => {
      patience.end()
    })
    if (issues === undefined) return text
    throw new TypeError(`this is no valid value for ${this.#name}: ${describeIssues(issues)}`, { cause: issues })
  }

  #log(message: string, fields: Readonly<Record<string, string | number>>): void {
    this.#store.environment.logger.warn(message, { key: this.#name, ...fields })
  }
}
