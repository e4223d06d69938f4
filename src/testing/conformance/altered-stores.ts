/** Stores as they look to one who is cut off from what happens, made of a store that is not. */
import type { Store, Watch } from '../../api/store.js'

/** Its watches never tell anything: whoever relies on being told does the wrong thing. */
export function blind(store: Store): Store {
  return altered(store, (selection, options) => silent(store.watch(selection, options), new Promise(() => undefined)))
}

/** Its first watch tells nothing until `comeBack()`, and begins then where it was to begin. */
export function awayFrom(store: Store): { readonly store: Store; readonly comeBack: () => void } {
  let comeBack = (): void => undefined
  const back = new Promise<void>((resolve) => (comeBack = resolve))
  let isFirst = true
  const watch: Store['watch'] = (selection, options) => {
    const startRevision = options?.startRevision ?? store.status().revision + 1
    if (!isFirst) return store.watch(selection, options)
    isFirst = false
    return silent(
      store.watch(selection, options),
      back.then(() => store.watch(selection, { ...options, startRevision })),
    )
  }
  return { store: altered(store, watch), comeBack }
}

/** As `watch`, but that what it tells is told by another one, once that is there. */
function silent(watch: Watch, instead: Promise<Watch>): Watch {
  const iterate = <Item>(of: (watch: Watch) => AsyncIterable<Item>): AsyncIterator<Item, undefined> => {
    const iterator = instead.then((other) => of(other)[Symbol.asyncIterator]())
    return {
      next: async () => (await iterator).next() as Promise<IteratorResult<Item, undefined>>,
      return: async () => {
        await watch.close()
        return { done: true, value: undefined }
      },
    }
  }
  return replacing(watch, {
    batches: () => ({ [Symbol.asyncIterator]: () => iterate((other) => other.batches()) }),
    [Symbol.asyncIterator]: () => iterate((other) => other),
  })
}

function altered(store: Store, watch: Store['watch']): Store {
  return replacing(store, { watch })
}

function replacing<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(object, name) {
      if (name in methods) return Reflect.get(methods, name) as unknown
      const value: unknown = Reflect.get(object, name)
      return typeof value === 'function' ? (value.bind(object) as unknown) : value
    },
  })
}
