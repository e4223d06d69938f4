/** Commands, drawn at random over everything that one can be. */
import fc from 'fast-check'
import type { Command, Request } from '../../src/machine/command.js'
import { ANONYMOUS, MEMBER, type Identity } from '../../src/machine/identity.js'
import { command as authCommand } from '../auth/arbitraries.js'
import { deletion, put, transaction } from '../mvcc/arbitraries.js'

const leaseId = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((id) => id !== 0n)
export const request: fc.Arbitrary<Request> = fc.oneof(
  { weight: 2, arbitrary: put },
  { weight: 2, arbitrary: deletion },
  { weight: 4, arbitrary: transaction },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), revision: fc.maxSafeNat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('lease-grant' as const), id: leaseId, ttlSeconds: fc.maxSafeInteger() }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('lease-revoke' as const), id: leaseId }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('alarm' as const),
      action: fc.constantFrom('activate' as const, 'deactivate' as const),
      alarm: fc.constantFrom('no-space' as const, 'corrupt' as const),
      member: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('auth' as const), command: authCommand }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('login' as const),
      name: fc.string({ unit: 'binary' }),
      checkedAt: fc.maxSafeNat(),
      tokenHash: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'check' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('prefix-quota' as const),
      prefix: fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)) }),
      limits: fc.oneof(
        fc.constant(undefined),
        fc.record({ keysMax: fc.maxSafeNat(), bytesMax: fc.option(fc.maxSafeNat(), { nil: undefined }) }),
        fc.record({ keysMax: fc.constant(undefined), bytesMax: fc.maxSafeNat() }),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('verify' as const),
      index: fc.maxSafeNat(),
      digest: fc.record({ high: fc.nat(0xffffffff), low: fc.nat(0xffffffff) }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('lease-revoke' as const), id: leaseId, grantedUpTo: fc.maxSafeNat() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('lease-checkpoint' as const),
      grantedUpTo: fc.maxSafeNat(),
      checkpoints: fc.array(fc.record({ id: leaseId, remainingMs: fc.maxSafeNat() }), { maxLength: 5 }),
    }),
  },
)
export const identity: fc.Arbitrary<Identity> = fc.oneof(
  fc.constantFrom(ANONYMOUS, MEMBER),
  fc.record({ type: fc.constant('user' as const), name: fc.string({ unit: 'binary' }), authRevision: fc.maxSafeNat() }),
)
export const command: fc.Arbitrary<Command> = fc.record({
  proposal: fc.record({
    member: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    incarnation: fc.maxSafeNat(),
    sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  }),
  identity,
  request,
})
