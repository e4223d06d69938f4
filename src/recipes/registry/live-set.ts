/** The instances of a registry that live, kept up to date: a cached view, in the words of service discovery. */
import type { Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { CachedView } from '../view/cached-view.js'
import { decodeInstance, type Instance } from './instance.js'
import type { WaitOptions } from '../patience.js'
import type { ViewChange } from '../view/view-change.js'
import type { ViewFailure } from '../view/view-contents.js'
import type { ViewChangesOptions, ViewOptions } from '../view/view-options.js'
import { prefixOf } from '../name.js'

interface Change {
  readonly revision: Revision
}

/** Told apart by `type`. */
export type InstanceChange<Metadata = unknown> =
  | (Change & { readonly type: 'joined'; readonly instance: Instance<Metadata>; readonly previous: undefined })
  | (Change & {
      readonly type: 'updated'
      readonly instance: Instance<Metadata>
      readonly previous: Instance<Metadata>
    })
  | (Change & { readonly type: 'left'; readonly instance: undefined; readonly previous: Instance<Metadata> })

/** Undefined is what belongs to a registry below this one. */
type Shown<Metadata> = Instance<Metadata> | undefined

/**
 * Who lives, read without waiting. While this process is cut off from the cluster it keeps whom it knew last: `staleMs` says for
 * how long.
 */
export class LiveSet<Metadata = unknown> implements AsyncDisposable {
  readonly #name: string
  readonly #view: CachedView<Shown<Metadata>>
  /** As of a revision, so that reading it often costs nothing. */
  #listed: { readonly revision: Revision; readonly instances: readonly Instance<Metadata>[] } | undefined

  private constructor(name: string, view: CachedView<Shown<Metadata>>) {
    this.#name = name
    this.#view = view
  }

  /** @internal */
  static async open<Metadata>(store: Store, name: string, options: ViewOptions): Promise<LiveSet<Metadata>> {
    const decode = decodeInstance<Metadata>
    const view = await CachedView.open(
      store,
      { prefix: prefixOf(name) },
      { ...options, decode: (found) => decode(name, found) },
    )
    return new LiveSet(name, view)
  }

  /** In the order of their ids. */
  get instances(): readonly Instance<Metadata>[] {
    const { revision } = this.#view
    if (this.#listed?.revision !== revision) {
      const instances = [...this.#view.values()].filter((instance) => instance !== undefined)
      this.#listed = { revision, instances: Object.freeze(instances) }
    }
    return this.#listed.instances
  }

  get(id: string): Instance<Metadata> | undefined {
    return this.#view.get(`${prefixOf(this.#name)}${id}`)
  }

  /** As of a {@link CachedView}, like what follows. */
  get revision(): Revision {
    return this.#view.revision
  }

  get staleMs(): number {
    return this.#view.staleMs
  }

  get trouble(): Error | undefined {
    return this.#view.trouble
  }

  /** Keys that nobody who uses a registry wrote: they are no instances. */
  get failures(): readonly ViewFailure[] {
    return this.#view.failures
  }

  includes(revision: Revision, options?: WaitOptions): Promise<void> {
    return this.#view.includes(revision, options)
  }

  /**
   * Who joins, changes and leaves, from the call on. One that lost its lease and is registered again leaves and joins; a slow
   * consumer may be told that it was updated. Ends as {@link CachedView.changes} does.
   *
   * @example
   * for await (const { type, instance, previous } of live.changes({ signal })) {
   *   if (type === 'left') pool.remove(previous.id)
   *   else pool.set(instance.id, instance.address)
   * }
   */
  changes(options?: ViewChangesOptions): AsyncGenerator<InstanceChange<Metadata>, void, undefined> {
    return inItsWords(this.#view.changes(options))
  }

  /** Follows no more; the instances stay as they are. Idempotent. */
  close(): Promise<void> {
    return this.#view.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function* inItsWords<Metadata>(
  changes: AsyncIterable<ViewChange<Shown<Metadata>>>,
): AsyncGenerator<InstanceChange<Metadata>, void, undefined> {
  for await (const { value: instance, previous, revision } of changes) {
    if (instance !== undefined && previous !== undefined) yield { type: 'updated', instance, previous, revision }
    else if (instance !== undefined) yield { type: 'joined', instance, previous: undefined, revision }
    else if (previous !== undefined) yield { type: 'left', instance: undefined, previous, revision }
  }
}
