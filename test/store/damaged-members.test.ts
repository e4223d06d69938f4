/** What is done with a damaged disk goes by who is in the cluster now, not by whom the member was first opened with. */
import { afterEach, describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import type { OpenOptions } from '../../src/store/options.js'
import type { DiskPart, Rot } from '../../src/testing/sim/sim-disk.js'
import { GrowingWorld } from './growing-world.js'

/** The log is trimmed soon, and the state written often. */
const SHORT = { stateBufferBytesMax: 1_000, logRetainBytes: 2_000 }
const ALONE = { cluster: { a: 'a' }, ...SHORT }
const THREE = { cluster: { a: 'a', b: 'b', c: 'c' }, ...SHORT }

let world: GrowingWorld | undefined

afterEach(async () => {
  await world?.halt()
})

async function write(running: GrowingWorld): Promise<void> {
  await running.until(() => running.statuses().some(({ role }) => role === 'leader'))
  for (let nth = 0; nth < 60; nth++) await running.leader.put(`key ${nth % 20}`, `${nth} ${'x'.repeat(200)}`)
  await running.agreed()
}

function rotten(running: GrowingWorld, name: string, damage: readonly (readonly [Rot, DiskPart])[]): void {
  const { disk } = running.kill(name)
  for (const [rot, part] of damage) expect(disk.rot(rot, part)).toBe(true)
}

const KINDS: readonly (readonly [string, readonly (readonly [Rot, DiskPart])[]])[] = [
  ['log', [['unopenable', 'log']]],
  ['state', [['hole', 'state']]],
]

describe('a member that was opened alone, to which others came', () => {
  const both = KINDS.flatMap(([, damage]) => damage)
  test.each([...KINDS, ['log and state', both] as const])(
    'gets what its damaged %s lacks from them',
    async (_, damage) => {
      const running = new GrowingWorld()
      world = running
      await running.grown(['a', 'b', 'c'], SHORT)
      await write(running)
      rotten(running, 'a', damage)
      const a = await running.begin('a', ALONE)
      expect(a.status().damage).not.toEqual([])
      await running.until(() => a.status().promises === 'kept' && !a.status().awaitsState)
      await write(running)
      expect((await a.range({ all: true }, { consistency: 'local', countOnly: true })).count).toBe(20)
      expect((await a.cluster.list()).map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    },
  )
})

describe('a member of several, of whom all others were removed', () => {
  test.each(KINDS)('refuses its damaged %s, as one that was always alone', async (_, damage) => {
    const running = new GrowingWorld(['a', 'b', 'c'])
    world = running
    const [a] = [await running.begin('a', THREE), await running.begin('b', THREE), await running.begin('c', THREE)]
    await write(running)
    await a.cluster.moveLeader('a')
    await a.cluster.remove('b')
    await a.cluster.remove('c')
    running.kill('b')
    running.kill('c')
    await write(running)
    rotten(running, 'a', damage)
    const refused: unknown = await running.begin('a', THREE).catch((error: unknown) => error)
    expect(isStoreError(refused, 'DATA_DAMAGED')).toBe(true)
  })

  test('opens as ever when nothing is damaged, and needs nobody', async () => {
    const running = new GrowingWorld(['a', 'b'])
    world = running
    const both: OpenOptions = { cluster: { a: 'a', b: 'b' } }
    const [a] = [await running.begin('a', both), await running.begin('b', both)]
    await a.ready()
    await a.cluster.moveLeader('a')
    await a.cluster.remove('b')
    running.kill('b')
    running.kill('a')
    await (await running.begin('a', both)).put('alone', 'x')
  })
})
