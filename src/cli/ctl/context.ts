/** What a command is given: its words, the cluster that it asks, and where it writes to. */
import type { Environment } from '../../base/clock.js'
import { EtcdClient } from '../../etcd/client/etcd-client.js'
import type { ConnectAuth, ConnectOptions, ConnectTlsOptions } from '../../etcd/client/connect-options.js'
import { durationMsOf } from '../serve/duration.js'
import type { Terminal } from '../terminal.js'
import { badArguments, CTL_EXIT, CtlError } from './ctl-command.js'
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
}

export class Context {
  readonly operands: readonly string[]
  /** What is behind `--`: a command to run. */
  readonly behind: readonly string[] | undefined
  readonly terminal: Terminal
  readonly environment: Environment
  readonly #parts: ContextParts
  readonly #clients: EtcdClient[] = []
  #client: EtcdClient | undefined

  constructor(parts: ContextParts) {
    const { words, terminal, environment } = parts
    this.#parts = parts
    this.operands = words.operands
    this.behind = words.behind
    this.terminal = terminal
    this.environment = environment
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
    throw badArguments(`invalid argument "${text}" for "--${name}" flag: it is true or false`)
  }

  integer(name: string): bigint {
    const text = this.text(name)
    if (/^-?\d+$/.test(text)) return BigInt(text)
    throw badArguments(`invalid argument "${text}" for "--${name}" flag: it is a whole number`)
  }

  durationMs(name: string): number {
    const text = this.text(name)
    try {
      return durationMsOf(text)
    } catch (error) {
      throw badArguments(`invalid argument "${text}" for "--${name}" flag: it ${messageOf(error)}`)
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
    return this.connect({ endpoints, tls: this.#tls(''), auth: await this.#auth() })
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

  line(text: string): void {
    this.terminal.out(`${text}\n`)
  }

  /** @param prefix `dest-`: of the flags that lead to another cluster. */
  #tls(prefix: string): ConnectTlsOptions | undefined {
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

  async #auth(): Promise<ConnectAuth | undefined> {
    const given = this.text('user')
    if (given === '') return undefined
    const [, user = given, behind] = /^([^:]*):(.*)$/s.exec(given) ?? []
    const password = this.text('password') || behind || (await this.password(`Password: `))
    return { user, password }
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
