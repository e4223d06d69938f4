/**
 * Members in network namespaces, each with one cable to a bridge in a namespace of its own: nothing in the namespace of the machine is
 * touched, and all is gone with the namespaces. Needs root and `ip` of iproute2.
 *
 *     a ─ eth0 ══ port-a ┐
 *     b ─ eth0 ══ port-b ┼ bridge
 *     c ─ eth0 ══ port-c ┘
 */
import { execFileSync } from 'node:child_process'

const SUBNET = '10.77.77'

export class NamespaceNetwork {
  readonly #prefix: string
  readonly #names: readonly string[]
  readonly #hub: string

  /** Undefined where it can be made here; else why not, in words. */
  static refusal(): string | undefined {
    if (process.platform !== 'linux') return 'network namespaces are Linux only'
    if (process.getuid?.() !== 0) return 'network namespaces need root'
    const trial = `quorate-${process.pid}-trial`
    try {
      ip('netns', 'add', trial)
      ip('netns', 'delete', trial)
      return undefined
    } catch (error) {
      return `network namespaces cannot be made: ${(error as Error).message.trim().split('\n').at(-1)}`
    }
  }

  constructor(names: readonly string[]) {
    this.#names = names
    this.#prefix = `quorate-${process.pid}`
    this.#hub = `${this.#prefix}-hub`
  }

  /** Whether the kernel can lose and delay packets by chance. */
  get canLose(): boolean {
    try {
      this.#shape(this.#names[0] as string, 'netem', 'loss', '1%')
      this.heal()
      return true
    } catch {
      return false
    }
  }

  address(name: string): string {
    return `${SUBNET}.${1 + this.#names.indexOf(name)}`
  }

  /** A command to start a process with, which then knows no other network. */
  within(name: string): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(name)]
  }

  create(): void {
    ip('netns', 'add', this.#hub)
    ip('-n', this.#hub, 'link', 'add', 'bridge', 'type', 'bridge')
    ip('-n', this.#hub, 'link', 'set', 'bridge', 'up')
    for (const name of this.#names) {
      const namespace = this.#namespace(name)
      ip('netns', 'add', namespace)
      ip('-n', this.#hub, 'link', 'add', port(name), 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
      ip('-n', this.#hub, 'link', 'set', port(name), 'master', 'bridge', 'up')
      ip('-n', namespace, 'address', 'add', `${this.address(name)}/24`, 'dev', 'eth0')
      ip('-n', namespace, 'link', 'set', 'lo', 'up')
      ip('-n', namespace, 'link', 'set', 'eth0', 'up')
    }
  }

  /** However far it got. */
  remove(): void {
    for (const namespace of [...this.#names.map((name) => this.#namespace(name)), this.#hub]) {
      quietly(() => ip('netns', 'delete', namespace))
    }
  }

  /** Its cable is pulled, at the far end: the member itself sees no change of its own device. */
  cut(name: string): void {
    ip('-n', this.#hub, 'link', 'set', port(name), 'down')
  }

  /** What `from` sends to `to` goes nowhere; the other way nothing is changed. */
  silence(from: string, to: string): void {
    ip('-n', this.#namespace(from), 'route', 'add', 'blackhole', `${this.address(to)}/32`)
  }

  /** So many bits a second for all that it sends. */
  slow(name: string, rate: string): void {
    this.#shape(name, 'tbf', 'rate', rate, 'burst', '8kb', 'latency', '300ms')
  }

  /** Of what it sends, some is lost and some is late. */
  lose(name: string, percent: number): void {
    this.#shape(name, 'netem', 'loss', `${percent}%`, 'delay', '5ms', '20ms')
  }

  heal(): void {
    for (const name of this.#names) {
      ip('-n', this.#hub, 'link', 'set', port(name), 'up')
      quietly(() => tc('-n', this.#namespace(name), 'qdisc', 'del', 'dev', 'eth0', 'root'))
      for (const other of this.#names) {
        quietly(() => ip('-n', this.#namespace(name), 'route', 'del', 'blackhole', `${this.address(other)}/32`))
      }
    }
  }

  #shape(name: string, ...discipline: readonly string[]): void {
    tc('-n', this.#namespace(name), 'qdisc', 'replace', 'dev', 'eth0', 'root', ...discipline)
  }

  #namespace(name: string): string {
    return `${this.#prefix}-${name}`
  }
}

function port(name: string): string {
  return `port-${name}`
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' })
}

function tc(...args: readonly string[]): void {
  execFileSync('tc', args, { stdio: 'pipe' })
}

/** For what may not be there. */
function quietly(action: () => void): void {
  try {
    action()
  } catch {
    // It is not there.
  }
}
