/**
 * One of the two clusters that are compared: members a, b and c with TLS between themselves and towards clients, who show
 * certificates too, and `etcdctl` pointed at them. Everything that is run is noted in a transcript, in which what differs from
 * run to run has names in place of values.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../../demo/processes/free-ports.js'
import { certificateAuthority } from '../../test/certificates.js'
import { MemberProcess } from './member-process.js'
import { Names } from './names.js'
import { Running, type Ran } from './running.js'

export interface Member {
  readonly name: string
  readonly client: string
  readonly peer: string
}

export interface RunOptions {
  readonly input?: string
  /** In place of all members. */
  readonly endpoints?: readonly string[]
  /** In place of none: `root:secret`. */
  readonly user?: string
  /**
   * What is noted of it: all; all lines, in an order of their own, where it asks the members side by side; or only the exit code
   * where what is said cannot be alike. Default all.
   */
  readonly note?: 'all' | 'lines' | 'exit code' | 'nothing'
}

export class Side {
  readonly name: string
  readonly folder: string
  readonly names = new Names()
  readonly transcript: string[] = []
  readonly members: Member[] = []
  readonly #command: readonly string[]
  readonly #client: readonly string[]
  readonly #processes = new Map<string, MemberProcess>()

  private constructor(name: string, command: readonly string[], client: readonly string[]) {
    this.name = name
    this.#command = command
    this.#client = client
    this.folder = mkdtempSync(join(tmpdir(), `quorate-etcdctl-${name}-`))
    const authority = certificateAuthority()
    mkdirSync(this.#file(''), { recursive: true })
    writeFileSync(this.#file('ca.pem'), authority.cert)
    for (const who of ['member', 'client']) {
      const { cert, key } = authority.issue({ name: who })
      writeFileSync(this.#file(`${who}.pem`), cert)
      writeFileSync(this.#file(`${who}.key`), key)
    }
  }

  /**
   * @param command the program, and what stands before its flags: `['etcd']`.
   * @param client what is run in the place of etcdctl.
   */
  static async start(name: string, command: readonly string[], client: readonly string[]): Promise<Side> {
    const side = new Side(name, command, client)
    for (const member of ['a', 'b', 'c']) await side.place(member)
    await Promise.all(side.members.map(({ name: member }) => side.startMember(member, 'new')))
    side.names.learn(await side.run(['member', 'list', '-w', 'json'], { note: 'nothing' }), side.members)
    return side
  }

  /** A new member's addresses; it is not started yet. */
  async place(name: string): Promise<Member> {
    const [client = '', peer = ''] = (await freePorts(2)).map((port) => `https://127.0.0.1:${port}`)
    const member = { name, client, peer }
    this.members.push(member)
    this.names.set(client, `<client ${name}>`)
    this.names.set(client.replace('https://', ''), `<client address ${name}>`)
    this.names.set(peer, `<peer ${name}>`)
    return member
  }

  /** `existing`: it was added with `member add` before. */
  async startMember(name: string, state: 'new' | 'existing'): Promise<void> {
    const { client, peer } = this.member(name)
    const [cert, key, ca] = [this.#file('member.pem'), this.#file('member.key'), this.#file('ca.pem')]
    const process = new MemberProcess(this.#command, {
      name,
      'data-dir': join(this.folder, name),
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': this.members.map((member) => `${member.name}=${member.peer}`).join(','),
      'initial-cluster-state': state,
      'initial-cluster-token': 'compared',
      ...{ 'cert-file': cert, 'key-file': key, 'trusted-ca-file': ca, 'client-cert-auth': 'true' },
      ...{ 'peer-cert-file': cert, 'peer-key-file': key, 'peer-trusted-ca-file': ca, 'peer-client-cert-auth': 'true' },
      ...{ logger: 'zap', 'log-outputs': 'stderr', 'bcrypt-cost': '4' },
    })
    this.#processes.set(name, process)
    await process.ready
  }

  async stopMember(name: string, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#processes.get(name)?.stop(signal)
    this.#processes.delete(name)
  }

  member(name: string): Member {
    const found = this.members.find((member) => member.name === name)
    if (found === undefined) throw new Error(`${this.name} has no member ${name}`)
    return found
  }

  /** Takes it from the addresses that commands are sent to. */
  forget(name: string): void {
    this.members.splice(this.members.indexOf(this.member(name)), 1)
  }

  /** Runs etcdctl to its end, and notes it. */
  async run(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
    const ran = await this.begin(words, options).end()
    this.#note(words, ran, options)
    return ran
  }

  /** Starts etcdctl. {@link Side.finish} notes it. */
  begin(words: readonly string[], { input, endpoints, user }: RunOptions = {}): Running {
    const env = {
      PATH: process.env['PATH'],
      ETCDCTL_API: '3',
      ETCDCTL_DIAL_TIMEOUT: '5s',
      ETCDCTL_COMMAND_TIMEOUT: '10s',
      ETCDCTL_ENDPOINTS: (endpoints ?? this.members.map(({ client }) => client)).join(','),
      ETCDCTL_CACERT: this.#file('ca.pem'),
      ETCDCTL_CERT: this.#file('client.pem'),
      ETCDCTL_KEY: this.#file('client.key'),
      ...(user !== undefined && { ETCDCTL_USER: user }),
    }
    const [program = '', ...before] = this.#client
    return new Running(spawn(program, [...before, ...words], { env, cwd: this.folder }), input)
  }

  /** Interrupts what {@link Side.begin} started, and notes it. */
  async finish(words: readonly string[], running: Running, signal: NodeJS.Signals = 'SIGINT'): Promise<Ran> {
    const ran = await running.interrupt(signal)
    this.#note(words, ran, {})
    return ran
  }

  /** What makes the comparison readable, or was found out in another way. */
  remark(text: string): void {
    this.transcript.push(this.names.in(text))
  }

  /** One revision for each key, as etcdctl 3.4 does without being told: ours writes what is there before in transactions. */
  get mirrorFlags(): readonly string[] {
    return this.#client[0] === 'etcdctl' ? [] : ['--max-txn-ops=1']
  }

  /** Flags for etcdctl that lead to this side as the destination of a mirror. */
  get destinationFlags(): readonly string[] {
    return [
      '--dest-insecure-transport=false',
      `--dest-cacert=${this.#file('ca.pem')}`,
      `--dest-cert=${this.#file('client.pem')}`,
      `--dest-key=${this.#file('client.key')}`,
    ]
  }

  /** The end of what each member logged, for a report. */
  get said(): string {
    return [...this.#processes].map(([name, { said }]) => `--- ${this.name} ${name}\n${said}`).join('\n')
  }

  async stop(): Promise<void> {
    for (const name of [...this.#processes.keys()]) await this.stopMember(name)
    rmSync(this.folder, { recursive: true, force: true })
  }

  #note(words: readonly string[], { code, out, err }: Ran, { user, note = 'all' }: RunOptions): void {
    if (note === 'nothing') return
    const as = user === undefined ? '' : ` (as ${user.split(':')[0] ?? ''})`
    const all = this.names.in(out + (err === '' ? '' : `\n! ${err.replaceAll(/\n(?=.)/g, '\n! ')}`)).trimEnd()
    const said = note === 'all' ? all : note === 'lines' ? all.split('\n').sort().join('\n') : ''
    const command = this.names.in(words.map((word) => (/[\s"]|^$/.test(word) ? JSON.stringify(word) : word)).join(' '))
    this.transcript.push(`$ etcdctl ${command}${as}\n${said}${said === '' ? '' : '\n'}exit code ${code}`)
  }

  #file(name: string): string {
    return join(this.folder, 'certificates', name)
  }
}
