/** A book of users with one user, `ann`, who has drawn permissions; authorization is enabled. */
import fc from 'fast-check'
import { AuthStore } from '../../src/auth/auth-store.js'
import { authorize } from '../../src/auth/authorize.js'
import type { AuthCommand } from '../../src/auth/command.js'
import type { Permission } from '../../src/auth/types.js'
import { accessesOf, type LeaseKeys, type Question } from '../../src/machine/accesses.js'
import type { Request } from '../../src/machine/command.js'
import { permission as drawn, UNIVERSE } from '../auth/arbitraries.js'
import { AuthModel } from '../auth/model.js'
import { codeOf } from '../code-of.js'

/** Of a few roles: often one that allows a lot, so that requests of several keys pass too. */
export const roles: fc.Arbitrary<readonly (readonly Permission[])[]> = fc.array(
  fc.array(
    fc.oneof(
      { weight: 4, arbitrary: drawn.filter(({ key }) => key !== '') },
      {
        weight: 1,
        arbitrary: fc.record({
          type: fc.constantFrom('read' as const, 'write' as const, 'readwrite' as const),
          key: fc.constantFrom('\0', 'a', 'b'),
          rangeEnd: fc.constantFrom('\0', '\xff'),
        }),
      },
    ),
    { maxLength: 4 },
  ),
  { maxLength: 3 },
)

export class Permitted {
  readonly auth = new AuthStore()
  readonly model = new AuthModel()

  constructor(roles: readonly (readonly Permission[])[]) {
    for (const name of ['root', 'ann']) this.do({ type: 'user-add', name, password: undefined })
    this.do({ type: 'user-grant-role', name: 'root', role: 'root' })
    roles.forEach((permissions, nth) => {
      this.do({ type: 'role-add', name: `role ${nth}` })
      this.do({ type: 'user-grant-role', name: 'ann', role: `role ${nth}` })
      for (const permission of permissions) {
        this.do({ type: 'role-grant-permission', name: `role ${nth}`, permission })
      }
    })
    this.do({ type: 'auth-enable' })
  }

  do(command: AuthCommand): void {
    const [code, expected] = [codeOf(() => this.auth.apply(command)), this.model.apply(command)]
    if (code !== expected) throw new Error(`${command.type}: ${code} instead of ${expected}`)
  }

  /** The code of the refusal, if `ann` is refused. */
  refusalOf(request: Request | Question, leaseKeys: LeaseKeys = NO_LEASE_KEYS): string | undefined {
    const identity = { type: 'user' as const, name: 'ann', authRevision: this.auth.revision }
    return codeOf(() => authorize(this.auth, identity, accessesOf(request, leaseKeys)))
  }

  allows(request: Request | Question, leaseKeys: LeaseKeys = NO_LEASE_KEYS): boolean {
    return this.refusalOf(request, leaseKeys) === undefined
  }

  /** By the naive twin. */
  may(mode: 'read' | 'write', key: string): boolean {
    return this.model.may('ann', mode, key)
  }
}

export const NO_LEASE_KEYS: LeaseKeys = { leases: () => [], attachedTo: () => [] }
export { UNIVERSE }
