/** What goes on while an alarm is active, and what does not: decided by the replicated alarms alone. */
import { beforeEach, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import type { AlarmType } from '../../src/machine/alarms.js'
import { encodeCommand } from '../../src/machine/command-codec.js'
import type { Request } from '../../src/machine/command.js'
import { costBytes } from '../../src/machine/cost.js'
import { MEMBER } from '../../src/machine/identity.js'
import { Machine } from '../../src/machine/machine.js'
import type { Outcome } from '../../src/machine/outcome.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'
import { always, del, get, put, txn } from '../mvcc/requests.js'

const BEFORE: readonly Request[] = [
  put('a', '1'),
  put('b', '1'),
  { type: 'lease-grant', id: 7n, ttlSeconds: 10 },
  put('leased', '1', { lease: 7n }),
]
const NESTED_PUT = txn([], [get('a'), txn([], [], [put('deep', '1')])], [])

describe('an alarm', () => {
  let backend: MemoryBackend
  let machine: Machine
  let sequence: number

  beforeEach(() => {
    backend = new MemoryBackend()
    machine = open()
    sequence = 0
    for (const request of BEFORE) expect(apply(request)).toBe('ok')
  })

  function open(): Machine {
    const opened = new Machine({ backend })
    for (const [key, record] of backend.sorted()) opened.load(key, record)
    opened.finishLoading()
    return opened
  }

  function outcomeOf(request: Request): Outcome | undefined {
    const proposal = { member: 1, incarnation: 1, sequence: ++sequence }
    return machine.apply(machine.appliedIndex + 1, 3, encodeCommand({ proposal, identity: MEMBER, request })).outcome
  }

  function apply(request: Request): string {
    const outcome = outcomeOf(request)
    return outcome?.ok === false ? outcome.code : 'ok'
  }

  function alarm(action: 'activate' | 'deactivate', type: AlarmType, member = 1): string {
    return apply({ type: 'alarm', action, alarm: type, member })
  }

  const GOES_ON: readonly [string, Request][] = [
    ['a delete', del('a')],
    ['a compaction', { type: 'compact', revision: 3 }],
    ['a revocation, with its keys', { type: 'lease-revoke', id: 7n }],
    ['a transaction that only reads', always(get('a'))],
    ['a transaction that only deletes', always(del('b'))],
    ['an empty transaction', txn([], [], [])],
  ]

  test.each(GOES_ON)('NOSPACE lets through %s', (_, request) => {
    alarm('activate', 'no-space')
    expect(apply(request)).toBe('ok')
  })

  const ADDS: readonly [string, Request][] = [
    ['a put', put('c', '1')],
    ['a put that makes a value smaller', put('a', '')],
    ['a transaction with a put', always(put('c', '1'))],
    ['a transaction with a put in the branch that is not taken', txn([], [get('a')], [put('c', '1')])],
    ['a transaction with a put in a nested one', NESTED_PUT],
    ['a new lease', { type: 'lease-grant', id: 9n, ttlSeconds: 10 }],
  ]

  test.each(ADDS)('NOSPACE refuses %s, and it changes nothing', (_, request) => {
    alarm('activate', 'no-space')
    const { revision } = machine
    expect(apply(request)).toBe('NO_SPACE')
    expect(machine.revision).toBe(revision)
    alarm('deactivate', 'no-space')
    expect(apply(request)).toBe('ok')
  })

  test('CORRUPT refuses all that changes keys or leases, and lets a transaction read', () => {
    alarm('activate', 'corrupt')
    const changing = [...GOES_ON.slice(0, 3), ...ADDS].map(([, request]) => request)
    for (const request of changing) expect(apply(request)).toBe('CORRUPT')
    expect(apply(always(del('b')))).toBe('CORRUPT')
    expect(apply(always(get('a')))).toBe('ok')
    alarm('deactivate', 'corrupt')
    expect(apply(put('c', '1'))).toBe('ok')
  })

  test('is active until it is disarmed for every member that raised it', () => {
    alarm('activate', 'no-space', 1)
    alarm('activate', 'no-space', 2)
    alarm('activate', 'no-space', 2)
    alarm('deactivate', 'no-space', 1)
    expect(apply(put('c', '1'))).toBe('NO_SPACE')
    alarm('deactivate', 'corrupt', 2)
    expect(apply(put('c', '1'))).toBe('NO_SPACE')
    alarm('deactivate', 'no-space', 2)
    expect(apply(put('c', '1'))).toBe('ok')
  })

  test('is answered with the alarms that the request was about, and none where there was none to disarm', () => {
    const about = { alarm: 'no-space', member: 3 } as const
    const response = (alarms: readonly unknown[]) => ({ ok: true, response: { type: 'alarm', alarms } })
    expect(outcomeOf({ type: 'alarm', action: 'deactivate', ...about })).toEqual(response([]))
    expect(outcomeOf({ type: 'alarm', action: 'activate', ...about })).toEqual(response([about]))
    expect(outcomeOf({ type: 'alarm', action: 'activate', ...about })).toEqual(response([about]))
    expect(outcomeOf({ type: 'alarm', action: 'deactivate', ...about })).toEqual(response([about]))
  })

  test('is there again when the state is loaded, and gone when it was disarmed', () => {
    alarm('activate', 'no-space', 2)
    alarm('activate', 'corrupt', 1)
    machine.checkpoint()
    machine = open()
    expect(machine.alarms.list()).toEqual([
      { alarm: 'corrupt', member: 1 },
      { alarm: 'no-space', member: 2 },
    ])
    alarm('deactivate', 'corrupt', 1)
    expect(apply(put('c', '1'))).toBe('NO_SPACE')
    alarm('deactivate', 'no-space', 2)
    machine.checkpoint()
    expect(open().alarms.list()).toEqual([])
  })

  test('is one of a limited number', () => {
    for (let member = 1; member <= LIMITS.alarmsMax; member++) expect(alarm('activate', 'no-space', member)).toBe('ok')
    expect(alarm('activate', 'no-space', LIMITS.alarmsMax + 1)).toBe('LIMIT_EXCEEDED')
    expect(alarm('activate', 'no-space', 1)).toBe('ok')
  })
})

test('a request costs what etcd says: 256 and its bytes for a put, 64 for a lease, of a transaction the dearer branch', () => {
  expect(costBytes(put('key', 'value'))).toBe(256 + 3 + 5)
  expect(costBytes({ type: 'lease-grant', id: 1n, ttlSeconds: 5 })).toBe(64)
  expect(costBytes(txn([], [put('a', '1'), put('b', '1')], [put('c', '12')]))).toBe(2 * 258)
  expect(costBytes(NESTED_PUT)).toBe(256 + 4 + 1)
  expect(costBytes(always(get('a'), del('b')))).toBe(0)
})
