/** Users, roles and what they come to, against a naive twin; and the records that must say the same. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AuthStore } from '../../src/auth/auth-store.js'
import { oneKey } from '../../src/auth/key-range.js'
import { codeOf } from '../code-of.js'
import { commands, UNIVERSE } from './arbitraries.js'
import { AuthModel } from './model.js'

const USERS = ['root', 'ann', 'bob']

describe('the store of users and roles', () => {
  test('answers every command as the naive twin does, and lets users reach the same keys', () => {
    fc.assert(
      fc.property(commands, (commands) => {
        const store = new AuthStore()
        const model = new AuthModel()
        for (const each of commands) {
          expect(codeOf(() => store.apply(each))).toBe(model.apply(each))
          expect([store.enabled, store.revision]).toEqual([model.enabled, model.revision])
          for (const name of USERS) checkReach(store, model, name)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('comes back from its records, with the same digest, the same answers and the same reach', () => {
    fc.assert(
      fc.property(commands, fc.nat(60), (commands, cut) => {
        const store = new AuthStore()
        const model = new AuthModel()
        const records = new Map<string, Uint8Array>()
        const write = (): void => {
          for (const { key, record } of store.takeChanges()) {
            if (record === undefined) records.delete(key)
            else records.set(key, record)
          }
        }
        commands.forEach((each, at) => {
          codeOf(() => store.apply(each))
          model.apply(each)
          if (at === cut) write()
        })
        write()
        const loaded = new AuthStore()
        for (const key of [...records.keys()].sort()) loaded.load(key, records.get(key) as Uint8Array)
        expect(loaded.digest).toEqual(store.digest)
        expect(loaded.takeChanges()).toEqual([])
        expect([loaded.enabled, loaded.revision, loaded.enabledSince]).toEqual([
          store.enabled,
          store.revision,
          store.enabledSince,
        ])
        for (const type of ['user-list', 'role-list'] as const) {
          expect(loaded.answer({ type })).toEqual(store.answer({ type }))
        }
        for (const name of USERS) {
          expect(loaded.user(name)?.password?.reveal()).toBe(model.users.get(name)?.password)
          checkReach(loaded, model, name)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('has one digest for one state, however it came about, and another for another', () => {
    const states = new Map<string, string>()
    fc.assert(
      fc.property(commands, (commands) => {
        const store = new AuthStore()
        const records = new Map<string, string>()
        for (const each of commands) codeOf(() => store.apply(each))
        for (const { key, record } of store.takeChanges()) {
          if (record !== undefined) records.set(key, Buffer.from(record).toString('hex'))
        }
        const state = JSON.stringify([...records])
        const digest = JSON.stringify(store.digest)
        expect(states.get(digest) ?? state).toBe(state)
        states.set(digest, state)
      }),
    )
  })
})

function checkReach(store: AuthStore, model: AuthModel, name: string): void {
  const user = store.user(name)
  expect(user === undefined).toBe(!model.users.has(name))
  if (user === undefined || user.roles.includes('root')) return
  const reach = store.reachOf(user)
  for (const mode of ['read', 'write'] as const) {
    const reached = UNIVERSE.filter((each) => reach[mode].covers(oneKey(each)))
    expect(reached).toEqual(UNIVERSE.filter((each) => model.may(name, mode, each)))
  }
}
