/** What only an administrator is answered, where the store is not asked for anything that would be refused to others. */
import type { Call } from './service.js'

/** Rejects as every call for the role `root` does, for whoever has not got it. The cheapest one is made to find out. */
export async function requireRoot({ store, signal }: Call): Promise<void> {
  await store.auth.roles.list({ signal })
}
