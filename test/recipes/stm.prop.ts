import fc from 'fast-check'
import { expect, it } from 'vitest'
import { stm } from 'quorate'
import { Stage } from './stage.js'

/** The naive twin: a copy of everything, in a map. */
class Twin {
  readonly #values: Map<string, string>

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = new Map(values)
  }

  get(key: string): string | undefined {
    return this.#values.get(key)
  }

  range(from: string, to: string, limit: number): string[] {
    return [...this.#values.keys()]
      .filter((key) => key >= from && key < to)
      .sort()
      .slice(0, limit)
      .map((key) => `${key}=${this.#values.get(key)}`)
  }

  put(key: string, value: string): void {
    this.#values.set(key, value)
  }

  delete(from: string, to: string): void {
    for (const key of this.#values.keys()) if (key >= from && key < to) this.#values.delete(key)
  }

  get entries(): string[] {
    return this.range('', '\x7f', Infinity)
  }
}

const key = fc.stringMatching(/^[a-d]{1,2}$/)
const step = fc.oneof(
  fc.record({ type: fc.constant('get' as const), key }),
  fc.record({ type: fc.constant('put' as const), key, value: fc.stringMatching(/^\d$/) }),
  fc.record({ type: fc.constant('delete' as const), key }),
  fc.record({ type: fc.constant('deleteRange' as const), from: key, to: key }),
  fc.record({ type: fc.constant('range' as const), from: key, to: key, limit: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ type: fc.constant('all' as const) }),
)

it('a transaction sees what it has written, and leaves behind what it saw last', async () => {
  const { numRuns = 60 } = fc.readConfigureGlobal()
  const stage = await Stage.open()
  const { store } = stage
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(key, fc.stringMatching(/^\d$/), { maxKeys: 8 }),
      fc.array(step, { maxLength: 20 }),
      fc.constantFrom('serializable-snapshot' as const, 'serializable' as const),
      async (stored, steps, isolation) => {
        await stage.settle(store.delete({ all: true }))
        for (const [each, value] of Object.entries(stored)) await stage.settle(store.put(each, value))
        const twin = new Twin(new Map(Object.entries(stored)))
        const run = stm(
          store,
          async (tx) => {
            for (const each of steps) {
              switch (each.type) {
                case 'get':
                  expect((await tx.get(each.key))?.text()).toBe(twin.get(each.key))
                  break
                case 'put':
                  tx.put(each.key, each.value)
                  twin.put(each.key, each.value)
                  break
                case 'delete':
                  tx.delete(each.key)
                  twin.delete(each.key, `${each.key}\0`)
                  break
                case 'deleteRange':
                  tx.delete({ from: each.from, to: each.to })
                  twin.delete(each.from, each.to)
                  break
                case 'range': {
                  const { from, to, limit } = each
                  const items = await tx.range({ from, to }, { limit })
                  expect(items.map((item) => `${item.key}=${item.text()}`)).toEqual(twin.range(from, to, limit))
                  break
                }
                case 'all':
                  expect((await tx.range({ all: true })).map((item) => `${item.key}=${item.text()}`)).toEqual(
                    twin.entries,
                  )
              }
            }
          },
          { isolation, tries: 1 },
        )
        await stage.settle(run)
        const { items } = await stage.settle(store.range({ all: true }))
        expect(items.map((item) => `${item.key}=${item.text()}`)).toEqual(twin.entries)
      },
    ),
    { numRuns },
  )
  await stage.settle(store.close())
})
