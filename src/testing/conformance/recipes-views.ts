/** Cached views and what is made of them: never ahead of the store, never stuck behind it. */
import { del, put } from '../../api/operations.js'
import { CachedView } from '../../recipes/view/cached-view.js'
import { Configuration } from '../../recipes/configuration/configuration.js'
import { Registry } from '../../recipes/registry/registry.js'
import type { StandardSchema } from '../../recipes/configuration/standard-schema.js'
import { check, equal, rejectsWith } from './check.js'
import { awayFrom } from './altered-stores.js'
import type { StoreTests } from './store-tests.js'

const texts = (view: CachedView): string[] => [...view.entries()].map(([key, value]) => `${key}=${value.text()}`)

const SCHEMA: StandardSchema<{ readonly url: string }> = {
  '~standard': {
    version: 1,
    vendor: 'conformance',
    validate: (value) =>
      typeof (value as { url?: unknown } | null)?.url === 'string'
        ? { value: value as { readonly url: string } }
        : { issues: [{ message: 'url must be text' }] },
  },
}

export const views: StoreTests = {
  'a cached view shows what the store holds, and every change of it once': async (store) => {
    await store.put('flags/a', '1')
    await store.put('other', 'x')
    const view = await CachedView.open(store, { prefix: 'flags/' })
    equal(texts(view), ['flags/a=1'], 'what is shown at first')
    const changes = view.changes()
    await store.txn({ success: [put('flags/b', '2'), del('flags/a')] })
    const { revision } = await store.put('flags/b', '3')
    await view.includes(revision)
    equal(texts(view), ['flags/b=3'], 'what is shown after the changes')
    check(view.revision >= revision, `the view is at ${view.revision}, the change was at ${revision}`)
    const told: string[] = []
    while (told.length < 3) {
      const { value } = await changes.next()
      check(value !== undefined, 'the changes ended')
      told.push(`${value.type} ${value.key}`)
    }
    equal(told, ['put flags/b', 'delete flags/a', 'put flags/b'], 'changes')
    await view.close()
    equal((await changes.next()).done, true, 'the end of the changes of a view that was closed')
  },

  'a cached view reads what it wrote itself, also where that lies elsewhere': async (store) => {
    const view = await CachedView.open(store, { prefix: 'flags/' })
    const { revision } = await store.put('elsewhere', 'x')
    await view.includes(revision)
    check(view.revision >= revision, `the view is at ${view.revision}`)
    await view.close()
  },

  'a cached view goes on where the history that it needs was compacted': async (store) => {
    await store.put('flags/a', '1')
    await store.put('flags/b', '1')
    const away = awayFrom(store)
    const view = await CachedView.open(away.store, { prefix: 'flags/' })
    const changes = view.changes()
    await store.delete('flags/a')
    const { revision } = await store.put('flags/c', '1')
    await store.compact(revision)
    away.comeBack()
    await view.includes(revision)
    equal(texts(view), ['flags/b=1', 'flags/c=1'], 'what is shown')
    const told = [await changes.next(), await changes.next()].map(({ value }) => `${value?.type} ${value?.key}`)
    equal(told.sort(), ['delete flags/a', 'put flags/c'], 'changes')
    const last = await store.put('flags/d', '1')
    await view.includes(last.revision)
    equal((await changes.next()).value?.key, 'flags/d', 'the change afterwards')
    await view.close()
  },

  'who is registered is seen while it is there, with what it says of itself': async (store) => {
    const registry = new Registry(store, 'services/web')
    const live = await registry.open()
    const changes = live.changes()
    const instance = { id: 'web-1', address: 'http://10.0.0.1:80', metadata: { version: '1.2' } }
    const registration = await registry.register(instance)
    await changes.next()
    equal(
      live.instances.map(({ id, address, metadata }) => ({ id, address, metadata })),
      [instance],
      'who is there',
    )
    await registration.close()
    await changes.next()
    equal(live.instances, [], 'who is there afterwards')
    equal(await registry.instances(), [], 'who is registered')
    await live.close()
  },

  'a configuration shows the last value that is valid, and says what is wrong with the latest': async (store) => {
    const options = { schema: SCHEMA, fallback: { url: 'fallback' } }
    const configuration = await Configuration.open(store, 'config/db', options)
    equal([configuration.value.url, configuration.origin], ['fallback', 'fallback'], 'what is shown at first')
    const changes = configuration.changes()[Symbol.asyncIterator]()
    await configuration.set({ url: 'good' })
    equal((await changes.next()).value?.value, { url: 'good' }, 'the change')
    equal([configuration.value.url, configuration.origin], ['good', 'stored'], 'what is shown')
    const { revision } = await store.put('config/db', '{"url":5}')
    await configuration.includes(revision)
    equal([configuration.value.url, configuration.invalid?.revision], ['good', revision], 'what is shown of a bad one')
    const other = await Configuration.open(store, 'config/db', { schema: SCHEMA })
    equal([other.value.url, other.origin], ['good', 'last-good'], 'what one shows that starts now')
    await Promise.all([configuration.close(), other.close()])
    await store.put('config/bad', 'none')
    const opening = (): Promise<unknown> => Configuration.open(store, 'config/bad', { schema: SCHEMA })
    await rejectsWith('CONFIGURATION_INVALID', opening, 'one without a valid value or a fallback')
  },
}
