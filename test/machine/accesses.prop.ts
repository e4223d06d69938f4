/**
 * What a user is allowed, against a naive interpreter that lists every key that a request could touch, and against what
 * the store then shows and changes. R24: no response holds a byte outside the caller's ranges.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Permission } from '../../src/auth/types.js'
import { Lessor } from '../../src/lease/lessor.js'
import type { LeaseKeys, Question } from '../../src/machine/accesses.js'
import type { Request } from '../../src/machine/command.js'
import { MvccStore } from '../../src/mvcc/store.js'
import { NO_LEASE, type Event, type Operation, type OperationResponse } from '../../src/mvcc/types.js'
import { includes } from '../auth/model.js'
import { codeOf } from '../code-of.js'
import * as draw from '../mvcc/arbitraries.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'
import { Permitted, roles, UNIVERSE } from './permitted.js'

type Touch = `${'read' | 'write'} ${string}`

const LEASES = [...draw.LEASES, 99n]
const leaseKeys: fc.Arbitrary<LeaseKeys> = fc
  .array(fc.tuple(fc.constantFrom(...draw.LEASES), draw.key), { maxLength: 3 })
  .map((pairs) => ({
    leases: () => draw.LEASES.map((id) => ({ id })),
    attachedTo: (id) => pairs.filter(([lease]) => lease === id).map(([, key]) => key),
  }))

const id = fc.constantFrom(...LEASES)
const question: fc.Arbitrary<KeyRequest> = fc.oneof(
  fc.record({ type: fc.constant('watch' as const), key: draw.key, rangeEnd: draw.rangeEnd }),
  fc.record({ type: fc.constantFrom('lease-revoke' as const, 'lease-keep-alive' as const), id }),
  fc.record({ type: fc.constant('lease-time-to-live' as const), id, keys: fc.boolean() }),
  fc.constant({ type: 'lease-list' as const }),
)
const request = fc.oneof(
  { weight: 4, arbitrary: draw.operation },
  { weight: 2, arbitrary: draw.transaction },
  { weight: 2, arbitrary: question },
)

describe('a user', () => {
  test('is allowed a request exactly if every key it could touch is within the permissions', () => {
    let allowed = 0
    let touching = 0
    fc.assert(
      fc.property(roles, request, leaseKeys, (roles, request, leaseKeys) => {
        const permitted = new Permitted(roles)
        const touched = touchedBy(request, leaseKeys)
        const expected = touched.every((each) => mayTouch(permitted, each))
        expect(permitted.refusalOf(request, leaseKeys)).toBe(expected ? undefined : 'PERMISSION_DENIED')
        if (expected) allowed++
        if (expected && touched.length > 1) touching++
      }),
      { numRuns: 3000 },
    )
    expect(allowed).toBeGreaterThan(500)
    expect(touching).toBeGreaterThan(200)
  })

  test('sees no byte outside the ranges to read, and changes no key outside those to write, whatever is asked', () => {
    let shown = 0
    let changed = 0
    const writes = fc.array(draw.put, { minLength: 6, maxLength: 12 })
    const { range, put, deletion, transaction } = draw
    const asked = fc.array(fc.oneof(range, put, deletion, transaction, revocation), { minLength: 6, maxLength: 12 })
    fc.assert(
      fc.property(roles, writes, asked, (roles, before, asked) => {
        const permitted = new Permitted(roles)
        const cluster = new Cluster()
        for (const write of before) cluster.do(write)
        for (const each of asked) {
          if (!permitted.allows(each, cluster.lessor)) continue
          const { response, events } = cluster.do(each)
          for (const key of keysShown(response)) {
            expect([key, permitted.may('read', key)]).toEqual([key, true])
            shown++
          }
          for (const { keyValue } of events) {
            expect([keyValue.key, permitted.may('write', keyValue.key)]).toEqual([keyValue.key, true])
            changed++
          }
        }
      }),
      { numRuns: 1500 },
    )
    expect(shown).toBeGreaterThan(300)
    expect(changed).toBeGreaterThan(300)
  })

  test('is allowed no less by one more permission', () => {
    fc.assert(
      fc.property(roles, roles, request, leaseKeys, (some, more, request, leaseKeys) => {
        if (!new Permitted(some).allows(request, leaseKeys)) return
        const together: (readonly Permission[])[] = [...some, ...more]
        expect(new Permitted(together).allows(request, leaseKeys)).toBe(true)
      }),
    )
  })
})

const revocation = fc.record({ type: fc.constant('lease-revoke' as const), id: fc.constantFrom(...draw.LEASES) })

/** The store with its leases, without a log. */
class Cluster {
  readonly lessor = new Lessor()
  readonly store = new MvccStore(new MemoryBackend(), this.lessor)

  constructor() {
    for (const id of draw.LEASES) this.lessor.grant(id, 10)
  }

  do(request: Operation | Extract<Request, { type: 'lease-revoke' }>): {
    readonly response: OperationResponse | undefined
    readonly events: readonly Event[]
  } {
    if (request.type === 'lease-revoke') {
      if (!this.lessor.exists(request.id)) return REFUSED
      const events = this.store.deleteKeys(this.lessor.keysOf(request.id))
      this.lessor.revoke(request.id)
      return { response: undefined, events }
    }
    let done = REFUSED
    codeOf(() => {
      const { response, events } = this.store.write(request)
      done = { response: this.store.complete(response), events }
    })
    return done
  }
}

const REFUSED: { readonly response: OperationResponse | undefined; readonly events: readonly Event[] } = {
  response: undefined,
  events: [],
}

type KeyRequest = Extract<Request | Question, { readonly type: KeyType }>
type KeyType = Operation['type'] | 'watch' | 'lease-revoke' | 'lease-keep-alive' | 'lease-time-to-live' | 'lease-list'

/** Every key of the universe that the request reads or writes in one of its branches, one by one. */
function touchedBy(request: KeyRequest, leases: LeaseKeys): readonly Touch[] {
  switch (request.type) {
    case 'range':
    case 'watch':
      return touches('read', request)
    case 'put':
      return [
        `write ${request.key}`,
        ...(request.previousKeyValue === true ? [`read ${request.key}` as const] : []),
        ...(request.lease === NO_LEASE ? [] : onLease('write', request.lease, leases)),
      ]
    case 'delete':
      return [...touches('write', request), ...(request.previousKeyValue === true ? touches('read', request) : [])]
    case 'transaction':
      return [
        ...request.compare.flatMap((compare) => touches('read', compare)),
        ...[...request.success, ...request.failure].flatMap((operation) => touchedBy(operation, leases)),
      ]
    case 'lease-revoke':
    case 'lease-keep-alive':
      return onLease('write', request.id, leases)
    case 'lease-time-to-live':
      return request.keys ? onLease('read', request.id, leases) : []
    case 'lease-list':
      return leases.leases().flatMap(({ id }) => onLease('read', id, leases))
  }
}

function touches(
  mode: 'read' | 'write',
  { key, rangeEnd }: { readonly key: string; readonly rangeEnd?: string | undefined },
): readonly Touch[] {
  return UNIVERSE.filter((each) => includes(key, rangeEnd, each)).map((each) => `${mode} ${each}` as const)
}

function onLease(mode: 'read' | 'write', lease: bigint, leases: LeaseKeys): readonly Touch[] {
  return [...leases.attachedTo(lease)].map((key) => `${mode} ${key}` as const)
}

function mayTouch(permitted: Permitted, touch: Touch): boolean {
  const [mode, key] = [touch.slice(0, touch.indexOf(' ')), touch.slice(touch.indexOf(' ') + 1)]
  return permitted.may(mode as 'read' | 'write', key)
}

function keysShown(response: OperationResponse | undefined): readonly string[] {
  switch (response?.type) {
    case undefined:
      return []
    case 'range':
      return response.keyValues.map(({ key }) => key)
    case 'put':
      return response.previous === undefined ? [] : [response.previous.key]
    case 'delete':
      return response.previous.map(({ key }) => key)
    case 'transaction':
      return response.responses.flatMap(keysShown)
  }
}
