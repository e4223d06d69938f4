import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest'
import * as v from 'valibot'
import { z } from 'zod'
import { Configuration, LIMITS, StoreError, type StandardSchema, type Store } from 'quorate'
import { decorated, Stage } from './stage.js'

const KEY = 'config/db'
const schema = z.object({ url: z.string(), poolSize: z.number().default(10) })
const fallback = { url: 'postgres://localhost', poolSize: 1 }

let stage: Stage
let store: Store

beforeEach(async () => {
  stage = await Stage.open()
  store = stage.store
})
afterEach(() => stage.settle(store.close()))

type Database = z.output<typeof schema>

const opened = (options = {}, over = store): Promise<Configuration<Database, z.input<typeof schema>>> =>
  stage.settle(Configuration.open(over, KEY, { schema, ...options }))

/** Stored by somebody who does not ask the schema. */
const stored = async (text: string): Promise<number> => (await stage.settle(store.put(KEY, text))).revision

const url = (name: string): string => JSON.stringify({ url: name })

describe('a configuration', () => {
  it('shows what is stored as the schema makes it, and what is stored later', async () => {
    await stored(url('one'))
    const config = await opened()
    expect(config.value).toEqual({ url: 'one', poolSize: 10 })
    expect([config.origin, config.version, config.invalid]).toEqual(['stored', 1, undefined])
    expectTypeOf(config.value).toEqualTypeOf<{ url: string; poolSize: number }>()
    const revision = await stored('{ "url": "two", "poolSize": 2 }')
    await stage.settle(config.includes(revision))
    expect(config.value).toEqual({ url: 'two', poolSize: 2 })
    expect([config.revision, config.version]).toEqual([revision, 2])
    expect(config.staleMs).toBeLessThan(2_000)
    expect(config.trouble).toBeUndefined()
    await stage.settle(config.close())
  })

  it('keeps the last good value when what is stored is not valid, and says what is wrong with it', async () => {
    await stored(url('good'))
    const config = await opened()
    const good = config.value
    const revision = await stored('{ "url": 1 }')
    await stage.settle(config.includes(revision))
    expect(config.value).toBe(good)
    expect(config.origin).toBe('last-good')
    expect(config.invalid).toMatchObject({ revision, issues: [{ path: ['url'] }] })
    expect(config.invalid?.message).toMatch(/^url: /)
    await stage.settle(config.includes(await stored('no JSON at all')))
    expect(config.value).toBe(good)
    expect(config.invalid?.issues[0]?.message).toMatch(/cannot be parsed: .*JSON/)
    await stage.settle(config.includes(await stored(url('better'))))
    expect([config.value.url, config.origin, config.invalid]).toEqual(['better', 'stored', undefined])
    await stage.settle(config.close())
  })

  it('logs what is not valid once, and nothing of its value', async () => {
    const lines: unknown[] = []
    const logger = { ...store.environment.logger, warn: (...given: unknown[]) => lines.push(given) }
    const over = decorated(store, { environment: { ...store.environment, logger } })
    await stored(url('good'))
    const config = await opened({}, over)
    const revision = await stored('{ "url": 12345 }')
    await stage.settle(config.includes(revision))
    await stage.pass(10_000)
    const fields = { key: `'${KEY}'`, revision, issues: 1 }
    expect(lines).toEqual([['a configuration that is not valid is stored', fields]])
    await stage.settle(config.close())
  })

  it('shows the fallback while nothing is stored, and again when it is deleted', async () => {
    const config = await opened({ fallback })
    expect(config.value).toBe(fallback)
    expect([config.origin, config.revision, config.version, config.invalid]).toEqual([
      'fallback',
      undefined,
      undefined,
      undefined,
    ])
    await stage.settle(config.includes(await stored(url('stored'))))
    expect(config.value.url).toBe('stored')
    await stage.settle(config.includes((await stage.settle(store.delete(KEY))).revision))
    expect([config.value, config.origin, config.invalid]).toEqual([fallback, 'fallback', undefined])
    // Not what was stored before the deletion: who starts now would not know of it.
    await stage.settle(config.includes(await stored('no JSON')))
    expect([config.value, config.invalid?.issues.length]).toEqual([fallback, 1])
    await stage.settle(config.close())
  })

  it('keeps the last good value when it is deleted and there is no fallback', async () => {
    await stored(url('good'))
    const config = await opened()
    await stage.settle(config.includes((await stage.settle(store.delete(KEY))).revision))
    expect([config.value.url, config.origin]).toEqual(['good', 'last-good'])
    expect(config.invalid?.issues).toEqual([{ message: 'nothing is stored' }])
    await stage.settle(config.close())
  })
})

describe('the last good value', () => {
  it('is found in history by who starts when the latest is not valid', async () => {
    await stored(url('old'))
    const revision = await stored(url('good'))
    for (let bad = 1; bad < LIMITS.configurationHistoryMax; bad++) await stored(`bad ${bad}`)
    const config = await opened({ fallback })
    expect([config.value.url, config.origin, config.revision, config.version]).toEqual([
      'good',
      'last-good',
      revision,
      2,
    ])
    await stage.settle(config.close())
    await stored('bad once more')
    const later = await opened({ fallback })
    expect(later.origin).toBe('fallback')
    await stage.settle(later.close())
  })

  it('stays what it was where it cannot be looked for, and nothing is said of the latest then', async () => {
    const failed = new StoreError('MEMBER_FAILED', 'the disk failed')
    const failing = decorated(store, {
      range: (selection, options) =>
        options?.revision === undefined ? store.range(selection, options) : Promise.reject(failed),
    })
    await stored(url('one'))
    const config = await opened({ fallback }, failing)
    await stored(url('two'))
    await stage.settle(config.includes(await stored('bad')))
    expect([config.value.url, config.invalid]).toEqual(['two', undefined])
    await stage.settle(config.close())
  })

  it('is not older than what was stored while nobody looked', async () => {
    let held: (() => void) | undefined
    const slow: StandardSchema<unknown, string> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value) => {
          if (value === 'slow') await new Promise<void>((resolve) => (held = resolve))
          return typeof value === 'string' ? { value } : { issues: [{ message: 'no text' }] }
        },
      },
    }
    await stored('"first"')
    const config = await stage.settle(Configuration.open(store, KEY, { schema: slow }))
    await stored('"slow"')
    await stage.pass(100)
    await stored('"good"')
    const revision = await stored('1')
    held?.()
    await stage.settle(config.includes(revision))
    expect([config.value, config.origin]).toEqual(['good', 'last-good'])
    await stage.settle(config.close())
  })

  it.each([
    ['nothing is stored', [], /'config\/db' has no valid value, and there is no fallback: nothing is stored/],
    ['what is stored is not valid', ['{}'], /url: Invalid input/],
    ['the good one was compacted away', [url('good'), 'bad', 'bad'], /cannot be parsed/],
  ])('is missed where %s', async (_, texts, message) => {
    let revision = 0
    for (const text of texts) revision = await stored(text)
    if (texts.length > 1) await stage.settle(store.compact(revision))
    const opening = Configuration.open(store, KEY, { schema })
    expect(await stage.failure(opening)).toMatchObject({
      code: 'CONFIGURATION_INVALID',
      message: expect.stringMatching(message) as unknown,
    })
    await stage.settle((await opened({ fallback })).close())
  })
})

describe('storing a configuration', () => {
  it('refuses what others could not read, and writes nothing', async () => {
    const config = await opened({ fallback })
    await expect(stage.settle(config.set({ url: 1 } as never))).rejects.toThrow(
      /no valid value for 'config\/db': url: Invalid input/,
    )
    await expect(stage.settle(config.set(undefined as never))).rejects.toThrow(/must become text to be stored/)
    expect(await stage.keys()).toEqual([])
    const date = await stage.settle(
      Configuration.open(store, 'date', { schema: z.object({ at: z.date() }), fallback: { at: new Date(0) } }),
    )
    await expect(stage.settle(date.set({ at: new Date(0) }))).rejects.toThrow(TypeError)
    await stage.settle(Promise.all([config.close(), date.close()]))
  })

  it('is compared with the revision where one is given', async () => {
    const unrelated = await opened({ fallback })
    await expect(unrelated.set({ url: 'x' }, { ifRevision: null as never })).rejects.toThrow(
      /^ifRevision must be a number/,
    )
    await stage.settle(unrelated.close())
    const config = await opened({ fallback })
    const first = await stage.settle(config.set({ url: 'one' }, { ifRevision: 0 }))
    await stage.settle(config.includes(first.revision))
    expect(config.value).toEqual({ url: 'one', poolSize: 10 })
    expect(config.revision).toBe(first.revision)
    expect(await stage.failure(config.set({ url: 'two' }, { ifRevision: 0 }))).toMatchObject({
      code: 'CONFIGURATION_CHANGED',
    })
    await stage.settle(config.set({ url: 'two' }, { ifRevision: first.revision }))
    await stage.settle(config.set({ url: 'three' }))
    expect(await stage.text(KEY)).toBe('{"url":"three"}')
    await stage.settle(config.close())
  })
})

describe('the changes of a configuration', () => {
  it('are the valid values, the last one for whoever is slow', async () => {
    await stored(url('one'))
    const config = await opened()
    const controller = new AbortController()
    const seen: string[] = []
    let wake: (() => void) | undefined
    const loop = (async () => {
      for await (const { value } of config.changes({ signal: controller.signal })) {
        seen.push(value.url)
        await new Promise<void>((resolve) => (wake = resolve))
      }
    })()
    await stage.settle(config.includes(await stored(url('two'))))
    await stage.settle(config.includes(await stored(url('three'))))
    await stage.settle(config.includes(await stored(url('four'))))
    wake?.()
    await stage.settle(config.includes(await stored('bad')))
    wake?.()
    await stage.pass(100)
    expect(seen).toEqual(['two', 'four'])
    controller.abort()
    await stage.settle(loop)
    await stage.settle(config[Symbol.asyncDispose]())
  })

  it('end when it is closed, and throw when the store is', async () => {
    const config = await opened({ fallback })
    const other = await opened({ fallback })
    const drain = async (one: typeof config): Promise<void> => {
      for await (const _ of one.changes());
    }
    const ended = drain(config)
    const failed = stage.failure(drain(other))
    await stage.settle(config.close())
    await stage.settle(ended)
    await stage.settle(store.close())
    expect(await failed).toMatchObject({ code: 'CLOSED' })
    await stage.settle(other.close())
    expect(other.value).toBe(fallback)
  })
})

describe('opening a configuration', () => {
  it('takes schemas of valibot, and text in another form', async () => {
    await stored('80,443')
    const config = await stage.settle(
      Configuration.open(store, KEY, {
        schema: v.array(v.pipe(v.number(), v.minValue(1))),
        parse: (text) => text.split(',').map(Number),
        stringify: (ports) => (ports as number[]).join(','),
      }),
    )
    expectTypeOf(config.value).toEqualTypeOf<number[]>()
    expect(config.value).toEqual([80, 443])
    await expect(stage.settle(config.set([0]))).rejects.toThrow(/0: Invalid value/)
    await stage.settle(config.set([8080]))
    expect(await stage.text(KEY)).toBe('8080')
    await stage.settle(config.close())
  })

  it('tells the type that goes in from the one that comes out', async () => {
    const length = z.string().transform((text) => text.length)
    const config = await stage.settle(Configuration.open(store, KEY, { schema: length, fallback: 0 }))
    expectTypeOf(config.value).toEqualTypeOf<number>()
    expectTypeOf(config.set).parameter(0).toEqualTypeOf<string>()
    const { revision } = await stage.settle(config.set('four'))
    await stage.settle(config.includes(revision))
    expect(config.value).toBe(4)
    await stage.settle(config.close())
  })

  it('takes a schema that throws for one that the value does not pass', async () => {
    const broken: StandardSchema<unknown, string> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw new Error('broken')
        },
      },
    }
    await stored('1')
    const config = await stage.settle(Configuration.open(store, KEY, { schema: broken, fallback: 'x' }))
    expect(config.invalid?.issues).toEqual([{ message: 'the schema threw: Error: broken' }])
    await stage.settle(config.close())
  })

  it('gives up in time, and leaves nothing behind', async () => {
    const over = decorated(store, { range: () => Promise.reject(new StoreError('TIMEOUT', 'no quorum')) })
    const opening = Configuration.open(over, KEY, { schema, timeoutMs: 500 })
    expect(await stage.failure(opening)).toMatchObject({ code: 'TIMEOUT' })
  })

  it('does not wait for a schema that does not answer for longer than it may, nor does anything else', async () => {
    let answers = false
    const slow = z.number().refine(() => answers || new Promise<boolean>(() => undefined))
    await stored('5')
    const open = (options: object): Promise<Configuration<number>> =>
      Configuration.open(store, KEY, { schema: slow, ...options })
    expect(await stage.failure(open({ fallback: 1, timeoutMs: 500 }))).toMatchObject({ code: 'TIMEOUT' })
    answers = true
    const config = await stage.settle(open({}))
    answers = false
    expect(await stage.failure(config.set(6, { timeoutMs: 500 }))).toMatchObject({
      code: 'TIMEOUT',
      outcome: 'refused',
    })
    const revision = await stored('7')
    expect(await stage.failure(config.includes(revision, { timeoutMs: 500 }))).toMatchObject({ code: 'TIMEOUT' })
    await stage.settle(config.close())
    expect(config.value).toBe(5)
  })

  it('takes what parses asynchronously for what cannot be parsed', async () => {
    await stored('5')
    const parse = (): Promise<never> => Promise.reject(new Error('nobody catches this'))
    const config = await opened({ parse, stringify: parse, fallback })
    expect(config.invalid?.message).toBe('it cannot be parsed: parse must not be async')
    await expect(config.set({ url: 'x' })).rejects.toThrow('stringify must not be async')
    await stage.settle(config.close())
    expect(await stage.failure(config.set({ url: 'x' }))).toMatchObject({ code: 'CLOSED', outcome: 'refused' })
  })

  it('refuses what is no schema, no key and no option', async () => {
    const open = (key: string, options: object): Promise<unknown> => Configuration.open(store, key, options as never)
    await expect(open(KEY, { schema: {} })).rejects.toThrow(/schema must be one by Standard Schema, version 1/)
    await expect(open('', { schema })).rejects.toThrow(/key must have at least one byte/)
    await expect(open(KEY, { schema, fallbak: 1 })).rejects.toThrow(/did you mean fallback/)
    await expect(open(KEY, { schema, parse: 'json' })).rejects.toThrow(/parse must be a function, not string/)
    await expect(Configuration.open(store, KEY, undefined as never)).rejects.toThrow(/at least a `schema`/)
  })
})
