import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import { encodeCommand } from '../../src/machine/command-codec.js'
import type { Request } from '../../src/machine/command.js'
import { MEMBER } from '../../src/machine/identity.js'
import { Machine } from '../../src/machine/machine.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'
import { describeAll, get, put } from '../mvcc/requests.js'

const ORIGIN = { member: 1, incarnation: 1 }

function machineOver(backend: MemoryBackend): Machine {
  const machine = new Machine({ backend })
  for (const [key, record] of backend.sorted()) machine.load(key, record)
  machine.finishLoading()
  return machine
}

function apply(machine: Machine, sequence: number, request: Request): void {
  const command = encodeCommand({ proposal: { ...ORIGIN, sequence }, identity: MEMBER, request })
  machine.apply(machine.appliedIndex + 1, 1, command)
}

/** A machine that applied these puts, and what it would have on disk then. */
function applied(...keys: readonly string[]): { machine: Machine; backend: MemoryBackend } {
  const backend = new MemoryBackend()
  const machine = machineOver(backend)
  apply(machine, 1, { type: 'lease-grant', id: 7n, ttlSeconds: 60 })
  keys.forEach((key, at) => {
    apply(machine, at + 2, put(key, 'v', { lease: 7n }))
  })
  machine.checkpoint()
  return { machine, backend }
}

const all = ({ store }: Machine) => describeAll(store.range(get('\0', '\0')).keyValues)

describe('a machine that adopts another state', () => {
  test('is that state from then on, and goes on from its position', () => {
    const { machine } = applied('a')
    const ahead = applied('a', 'b', 'c')
    machine.adopt(machineOver(ahead.backend))
    expect(machine.appliedIndex).toBe(4)
    expect(machine.digest).toEqual(ahead.machine.digest)
    expect(machine.lessor.keysOf(7n)).toEqual(['a', 'b', 'c'])
    for (const each of [machine, ahead.machine]) apply(each, 9, put('d', '1'))
    expect(all(machine)).toBe(all(ahead.machine))
    machine.checkpoint()
    expect(machineOver(ahead.backend).digest).toEqual(machine.digest)
  })

  test('applies none of the proposals again that the state knows', () => {
    const { machine } = applied('a')
    machine.adopt(machineOver(applied('a', 'b').backend))
    const { revision } = machine
    apply(machine, 3, put('b', 'again'))
    expect(machine.revision).toBe(revision)
    const settled = [2, 3, 4].map((sequence) => machine.hasSettled({ ...ORIGIN, sequence }))
    expect(settled).toEqual([true, true, false])
    expect(machine.hasSettled({ member: 1, incarnation: 2, sequence: 1 })).toBe(false)
    expect(machine.hasSettled({ member: 2, incarnation: 1, sequence: 1 })).toBe(false)
  })

  test('never goes back', () => {
    const { machine } = applied('a', 'b')
    expect(() => {
      machine.adopt(machineOver(applied('a').backend))
    }).toThrow(AssertionError)
  })

  test('is whole again after it failed', () => {
    const { machine, backend } = applied('a')
    backend.set = () => {
      throw new Error('no room')
    }
    expect(() => {
      apply(machine, 3, put('b', '1'))
    }).toThrow('no room')
    expect(machine.failed).toBe(true)
    const ahead = applied('a', 'b')
    machine.adopt(machineOver(ahead.backend))
    expect([machine.failed, all(machine)]).toEqual([false, all(ahead.machine)])
  })
})
