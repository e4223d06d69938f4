/**
 * What peers may send that they should not: frames of no kind, bytes that are no messages, proposals in the name of others,
 * answers to questions of another life, and a whole cluster that is not ours. It costs them their frames; the member stays up.
 */
import { afterEach, describe, expect, test } from 'vitest'
import type { Environment } from '../../src/base/clock.js'
import { isStoreError } from '../../src/base/errors.js'
import type { LogFields, Logger } from '../../src/base/logger.js'
import { below } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { encodeCommand } from '../../src/machine/command-codec.js'
import { MEMBER } from '../../src/machine/identity.js'
import { encodeReplies } from '../../src/member/wire/call-codec.js'
import { FRAME_KIND } from '../../src/member/wire/frame-kind.js'
import { encodeProposals } from '../../src/member/wire/proposal-codec.js'
import { encodeMessage } from '../../src/member/wire/raft-codec.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { open } from '../../src/store/open.js'
import { settingsOf, type OpenOptions } from '../../src/store/options.js'
import type { Store } from '../../src/api/store.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { MemoryNetwork } from '../../src/transport/memory.js'
import { tcpTransport } from '../../src/transport/tcp.js'
import type { Frame, Transport } from '../../src/transport/transport.js'

interface Line {
  readonly level: string
  readonly message: string
  readonly fields: LogFields
}

function recorder(): { readonly lines: Line[]; readonly logger: Logger } {
  const lines: Line[] = []
  const line =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields })
    }
  return { lines, logger: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') } }
}

const CLUSTER = { a: 'a', b: 'b', c: 'c' }
const BASE = { cluster: CLUSTER, durability: 'none' as const }

/** Members a and b of three run; c is whoever the test makes of it, known to them by the handshake. */
class Stage {
  readonly scheduler = new SimScheduler()
  readonly network = new MemoryNetwork()
  readonly logs = { a: recorder(), b: recorder() }
  readonly stores: Store[] = []
  peer!: Transport
  #running = true

  static async start(): Promise<Stage> {
    const stage = new Stage()
    void (async () => {
      while (stage.#running) await stage.scheduler.step()
    })()
    for (const [at, name] of (['a', 'b'] as const).entries()) {
      const environment = stage.environment(at, stage.logs[name].logger)
      const transport = stage.network.transport(name, environment.timers)
      stage.stores.push(await open({ ...BASE, name, environment, transport }))
    }
    for (const store of stage.stores) await store.ready()
    const { clusterId, memberId, members } = settingsOf({ ...BASE, name: 'c' })
    stage.peer = stage.network.transport('c', stage.scheduler.timersOf())
    stage.peer.setPeers(members)
    const ignore = (): void => undefined
    await stage.peer.start({ clusterId, memberId }, { onFrame: ignore, onReachable: ignore, onUnreachable: ignore })
    await stage.pass(10)
    return stage
  }

  environment(seed: number, logger: Logger): Environment {
    return { clock: this.scheduler.clock, timers: this.scheduler.timersOf(), random: seededRandom(seed), logger }
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.scheduler.timersOf().after(ms, resolve)
    })
  }

  /** From the peer to every member. */
  async send(...frames: readonly Frame[]): Promise<void> {
    for (const { status } of this.stores.map((store) => ({ status: store.status() }))) {
      for (const frame of frames) expect(this.peer.send(Number(status.memberId), frame)).toBe(true)
    }
    await this.pass(1)
  }

  warnings(): Line[] {
    return [...this.logs.a.lines, ...this.logs.b.lines].filter(({ level }) => level === 'warn' || level === 'error')
  }

  /** Both still work, together. */
  async works(): Promise<void> {
    const [one, other] = this.stores as [Store, Store]
    const { revision } = await one.put('works', 'yes')
    expect(await other.get('works')).toMatchObject({ modRevision: revision })
    expect(this.warnings().filter(({ message }) => message.includes('failed'))).toEqual([])
  }

  async stop(): Promise<void> {
    await this.peer.close()
    for (const store of this.stores) await store.close()
    this.#running = false
  }
}

let stage: Stage | undefined
afterEach(async () => {
  await stage?.stop()
  stage = undefined
})

describe('a member that receives', () => {
  test('a frame of an unknown kind says so, and goes on', async () => {
    stage = await Stage.start()
    await stage.send({ kind: 200, bytes: new Uint8Array(5) })
    const { memberId } = settingsOf({ ...BASE, name: 'c' })
    const found = stage.warnings().filter(({ message }) => message.includes('unknown kind'))
    expect(found).toHaveLength(2)
    expect(found[0]?.fields).toMatchObject({ from: memberId, kind: 200 })
    await stage.works()
  })

  test.each(Object.entries(FRAME_KIND))('random bytes as %s drops them, and goes on', async (_name, kind) => {
    stage = await Stage.start()
    const random = seededRandom(kind)
    for (let nth = 0; nth < 200; nth++) {
      const bytes = Uint8Array.from({ length: below(random, 60) }, () => below(random, nth % 2 ? 256 : 4))
      await stage.send({ kind, bytes })
    }
    expect(stage.warnings().some(({ message }) => message === 'frame dropped')).toBe(true)
    await stage.works()
  })

  test('raft messages that contradict each other stays up', async () => {
    stage = await Stage.start()
    const envelope = { from: 0, to: 0 }
    const { term } = (stage.stores[0] as Store).status()
    const numbers = [0, 1, 2, 5, 1000, 2 ** 40]
    const raft = (message: Parameters<typeof encodeMessage>[0]): Frame => ({
      kind: FRAME_KIND.raft,
      bytes: encodeMessage(message),
    })
    for (const one of numbers) {
      for (const other of numbers) {
        await stage.send(
          raft({ type: 'heartbeat-reply', ...envelope, term, round: one }),
          raft({ type: 'append-rejected', ...envelope, term, previousIndex: one, hintIndex: other, hintTerm: one }),
          raft({ type: 'read-index', ...envelope, term, requestId: one }),
          raft({ type: 'read-index-reply', ...envelope, term, requestId: one, index: other }),
          raft({ type: 'pre-vote', ...envelope, term: term + one, lastIndex: other, lastTerm: one }),
          raft({ type: 'pre-vote-reply', ...envelope, term, granted: true }),
          raft({ type: 'vote-reply', ...envelope, term, granted: true }),
        )
      }
    }
    await stage.works()
  })

  test('proposals in the name of another member, or of none, drops them', async () => {
    stage = await Stage.start()
    const own = settingsOf({ ...BASE, name: 'c' }).memberId
    const forged = settingsOf({ ...BASE, name: 'a' }).memberId
    const command = (member: number, key: string): Uint8Array =>
      encodeCommand({
        proposal: { member, incarnation: 1, sequence: 1000 },
        identity: MEMBER,
        request: { type: 'put', key, value: Buffer.from('x'), lease: 0n },
      })
    await stage.send({ kind: FRAME_KIND.propose, bytes: encodeProposals([command(forged, 'forged')]) })
    expect(stage.warnings().some(({ fields }) => String(fields['reason']).includes('another member'))).toBe(true)
    await stage.send(
      { kind: FRAME_KIND.propose, bytes: encodeProposals([Buffer.from('garbage')]) },
      // In its own name it may propose; a request that nobody can read is refused alike by all.
      {
        kind: FRAME_KIND.propose,
        bytes: encodeProposals([Buffer.concat([command(own, 'own').subarray(0, 25), Buffer.of(99)])]),
      },
      { kind: FRAME_KIND.propose, bytes: encodeProposals([command(own, 'own').fill(0xff, 26)]) },
    )
    await stage.works()
    const [one, other] = stage.stores as [Store, Store]
    expect((await one.range({ all: true })).items.map(({ key }) => key)).toEqual(['works'])
    await stage.pass(2000)
    expect(one.status().digest).toBe(other.status().digest)
  })

  test('answers to questions it never asked, or asked in another life, does not take them for its own', async () => {
    stage = await Stage.start()
    const asked = (stage.stores[1] as Store).leases.timeToLive(5n)
    const lies = Array.from({ length: 20 }, (_, id) => ({
      kind: FRAME_KIND.reply,
      bytes: encodeReplies([{ id: id + 1, response: { type: 'lease', exists: true, ttlMs: 1, remainingMs: 1 } }]),
    }))
    await stage.send(...lies)
    expect(await asked).toBeUndefined()
    await stage.works()
  })
})

describe('two clusters pointed at each other', () => {
  test('say so, and nothing of one comes to the other', async () => {
    const running = systemEnvironment()
    const first = recorder()
    const second = recorder()
    const [one, other] = await Promise.all(
      [27_411, 27_412].map(async () => {
        const transport = tcpTransport({ listen: '127.0.0.1:0', environment: running })
        const ignore = (): void => undefined
        await transport.start(
          { clusterId: 1, memberId: 1 },
          { onFrame: ignore, onReachable: ignore, onUnreachable: ignore },
        )
        const address = transport.address ?? ''
        await transport.close()
        return address
      }),
    )
    const cluster = { a: one ?? '', b: other ?? '' }
    const times: OpenOptions = { cluster, durability: 'none', electionTimeoutMs: 100, heartbeatIntervalMs: 20 }
    const a = await open({ ...times, name: 'a', clusterToken: 'first', logger: first.logger })
    const b = await open({ ...times, name: 'b', clusterToken: 'second', logger: second.logger })
    try {
      const write = a.put('key', 'x', { timeoutMs: 700 }).catch((error: unknown) => error)
      expect(isStoreError(await write, 'TIMEOUT')).toBe(true)
      expect([a.status().leader, b.status().leader]).toEqual([undefined, undefined])
      const text = [...first.lines, ...second.lines].map(
        ({ message, fields }) => `${message} ${JSON.stringify(fields)}`,
      )
      expect(text.some((line) => /cluster/.test(line))).toBe(true)
    } finally {
      await a.close()
      await b.close()
    }
  })

  test('an address that is taken is refused, and nothing is left open', async () => {
    const environment = systemEnvironment()
    const holder = tcpTransport({ listen: '127.0.0.1:0', environment })
    const ignore = (): void => undefined
    await holder.start({ clusterId: 1, memberId: 1 }, { onFrame: ignore, onReachable: ignore, onUnreachable: ignore })
    const taken = holder.address ?? ''
    const options: OpenOptions = { name: 'a', cluster: { a: taken, b: '127.0.0.1:1' }, durability: 'none' }
    const error: unknown = await open(options).catch((reason: unknown) => reason)
    expect(isStoreError(error, 'ADDRESS_IN_USE')).toBe(true)
    expect((error as Error).message).toContain(taken)
    await holder.close()
    await (await open(options)).close()
  })
})
