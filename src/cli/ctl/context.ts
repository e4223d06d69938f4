/** What a command is given: its words, the cluster that it asks, and where it writes to. */
import type { Environment } from '../../base/clock.js'
import { isStoreError } from '../../base/errors.js'
import { EtcdClient } from '../../etcd/client/etcd-client.js'
import type { ConnectAuth, ConnectOptions, ConnectTlsOptions } from '../../etcd/client/connect-options.js'
import type { SignalName } from '../../runtime/process-signals.js'
import { durationMsOf } from '../serve/duration.js'
import type { Terminal } from '../terminal.js'
import { CTL_EXIT, CtlError } from './ctl-error.js'
import { fallbackOf, type CtlFlag } from './ctl-flag.js'
import { GLOBAL_FLAGS, variableOf } from './global-flags.js'
import type { Words } from './parse.js'

export type Format = 'simple' | 'json' | 'fields' | 'table'

const FORMATS: readonly string[] = ['simple', 'json', 'fields', 'table']

export interface ContextParts {
  readonly words: Words
  /** The command's own. */
  readonly flags: readonly CtlFlag[]
  readonly variables: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
  readonly environment: Environment
  /** Of the program. */
  readonly version: string
}

/** Of the exit code of a process that a signal ended, and of the signals that may end a command. */
const INTERRUPTS: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

/** Whoever cannot log in is not let in later either. */
const NO_ANSWER: readonly string[] = ['TIMEOUT', 'UNREACHABLE', 'AUTH_FAILED', 'NO_PASSWORD_USER']

export class Context {
  readonly operands: readonly string[]
  /** What is behind `--`: a command to run. */
  readonly behind: readonly string[] | undefined
  readonly terminal: Terminal
  readonly environment: Environment
  readonly #parts: ContextParts
  readonly #clients: EtcdClient[] = []
  readonly #deafen: (() => void)[] = []
  #client: EtcdClient | undefined
  #auth: Promise<ConnectAuth | undefined> | undefined
  #interrupted: AbortController | undefined

  constructor(parts: ContextParts) {
    const { words, terminal, environment } = parts
    this.#parts = parts
    this.operands = words.operands
    this.behind = words.behind
    this.terminal = terminal
    this.environment = environment
  }

  get version(): string {
    return this.#parts.version
  }

  /** The same for words of their own, as of a request in a transaction. */
  under(words: Words, flags: readonly CtlFlag[]): Context {
    const { readInput: _, ...terminal } = this.terminal
    return new Context({ ...this.#parts, words, flags, terminal })
  }

  /** What is given as a flag, else by its variable, else by default. */
  text(name: string): string {
    const flag = this.#flag(name)
    const variable = GLOBAL_FLAGS.includes(flag) ? this.#parts.variables[variableOf(flag)] : undefined
    return this.#parts.words.flags.get(name) ?? (variable === '' ? undefined : variable) ?? fallbackOf(flag)
  }

  isGiven(name: string): boolean {
    return this.#parts.words.flags.has(name)
  }

  is(name: string): boolean {
    const text = this.text(name)
    if (/^(1|t|true)$/i.test(text)) return true
    if (/^(0|f|false)$/i.test(text)) return false
    throw badFlag(text, name, 'is true or false')
  }

  integer(name: string): bigint {
    const text = this.text(name)
    if (/^-?\d+$/.test(text)) return BigInt(text)
    throw badFlag(text, name, 'is a whole number')
  }

  durationMs(name: string): number {
    const text = this.text(name)
    try {
      return durationMsOf(text)
    } catch (error) {
      throw badFlag(text, name, error instanceof Error ? error.message : String(error))
    }
  }

  list(name: string): readonly string[] {
    return this.text(name)
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '')
  }

  get format(): Format {
    const format = this.text('write-out')
    if (FORMATS.includes(format)) return format as Format
    throw new CtlError(CTL_EXIT.unsupported, 'unsupported output format')
  }

  /** Milliseconds that a brief command may take. */
  get timeoutMs(): number {
    return this.durationMs('command-timeout')
  }

  /** Of all endpoints, as whoever calls. It is closed when the command ends. */
  async client(): Promise<EtcdClient> {
    this.#client ??= await this.clientOf(this.list('endpoints'))
    return this.#client
  }

  /** Of some of them. */
  async clientOf(endpoints: readonly string[]): Promise<EtcdClient> {
    this.#auth ??= this.#askedAuth()
    return this.connect({ endpoints, tls: this.tlsOf(''), auth: await this.#auth })
  }

  /** The same once a server answers, whatever it says: for what then waits without a limit. */
  async reached(): Promise<EtcdClient> {
    const client = await this.client()
    try {
      await client.maintenance.status({}, { timeoutMs: Math.max(1, this.durationMs('dial-timeout')) })
    } catch (error) {
      if (!isStoreError(error) || NO_ANSWER.includes(error.code)) throw error
    }
    return client
  }

  /** To another cluster, say. */
  async connect(options: Pick<ConnectOptions, 'endpoints' | 'tls' | 'auth'>): Promise<EtcdClient> {
    const { environment, timeoutMs } = this
    const client = await EtcdClient.open({ ...options, environment, timeoutMs })
    this.#clients.push(client)
    return client
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }

  /**
   * Aborts when the user wants an end, with the name of the signal: the command ends in its own time then. A second signal ends
   * the process.
   */
  takeInterrupts(): AbortSignal {
    if (this.#interrupted !== undefined) return this.#interrupted.signal
    const interrupted = (this.#interrupted = new AbortController())
    const signals = this.terminal.takeSignals?.()
    if (signals === undefined) {
      const { signal } = this.terminal
      const pass = (): void => interrupted.abort('SIGINT')
      if (signal.aborted) pass()
      else signal.addEventListener('abort', pass, { once: true })
    }
    for (const name of Object.keys(INTERRUPTS) as SignalName[]) {
      const stop = signals?.on(name, () => {
        if (interrupted.signal.aborted) this.#end(name)
        else interrupted.abort(name)
      })
      if (stop !== undefined) this.#deafen.push(stop)
    }
    return interrupted.signal
  }

  /** As what an interrupt ends at once: by the signal itself. */
  endInterrupted(): never {
    const reason: unknown = this.#interrupted?.signal.reason
    const name = typeof reason === 'string' ? reason : 'SIGINT'
    this.#end(name as SignalName)
    throw new CtlError(INTERRUPTS[name] ?? CTL_EXIT.interrupted)
  }

  #end(name: SignalName): void {
    for (const stop of this.#deafen.splice(0)) stop()
    this.terminal.takeSignals?.().end(name)
  }

  line(text: string): void {
    this.terminal.out(`${text}\n`)
  }

  /** @param prefix `dest-`: of the flags that lead to another cluster. */
  tlsOf(prefix: string): ConnectTlsOptions | undefined {
    const [caFile, certFile, keyFile] = ['cacert', 'cert', 'key'].map((name) => this.text(prefix + name))
    const insecureSkipVerify = this.is('insecure-skip-tls-verify')
    const isPlain = this.is(`${prefix}insecure-transport`)
    const given = {
      ...(caFile !== '' && { caFile }),
      ...(certFile !== '' && { certFile }),
      ...(keyFile !== '' && { keyFile }),
      ...(insecureSkipVerify && { insecureSkipVerify }),
    }
    return Object.keys(given).length === 0 && isPlain ? undefined : given
  }

  async #askedAuth(): Promise<ConnectAuth | undefined> {
    const token = this.text('auth-jwt-token')
    return token === '' ? this.authOf('') : { token }
  }

  /** @param prefix `dest-`: of the flags that name the user of another cluster. */
  async authOf(prefix: string): Promise<ConnectAuth | undefined> {
    const given = this.text(`${prefix}user`)
    if (given === '') return undefined
    const apart = this.text(`${prefix}password`)
    if (apart !== '') return { user: given, password: apart }
    const [, user = given, behind = ''] = /^([^:]*):(.*)$/s.exec(given) ?? []
    return { user, password: behind === '' ? await this.password('Password: ') : behind }
  }

  /** Asks for one; without a terminal it is a line of the input. */
  async password(question: string): Promise<string> {
    const { readPassword } = this.terminal
    if (readPassword === undefined) throw new CtlError(CTL_EXIT.badArguments, 'a password is needed: give --password')
    return readPassword(question)
  }

  #flag(name: string): CtlFlag {
    const flag = [...this.#parts.flags, ...GLOBAL_FLAGS].find((each) => each.name === name)
    if (flag === undefined) throw new TypeError(`the command has no flag --${name}`)
    return flag
  }
}

/** As of words that are no flags: etcdctl ends so, too. */
function badFlag(text: string, name: string, what: string): CtlError {
  return new CtlError(CTL_EXIT.failed, `invalid argument "${text}" for "--${name}" flag: it ${what}`)
}
