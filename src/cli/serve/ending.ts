/** How a member ends: by itself, by the others, or closed. */
import type { Store } from '../../api/store.js'
import { StoreError } from '../../base/errors.js'

export type Ending =
  { readonly type: 'failed'; readonly error: Error } | { readonly type: 'removed' } | { readonly type: 'closed' }

/** Resolves when it has ended; at once where that came before anybody could listen. */
export function endingOf(store: Store): Promise<Ending> {
  return new Promise((resolve) => {
    store.on('failed', (error) => resolve({ type: 'failed', error }))
    store.on('removed', () => resolve({ type: 'removed' }))
    store.on('closed', () => resolve({ type: 'closed' }))
    const { role } = store.status()
    if (role === 'removed') resolve({ type: 'removed' })
    else if (role === 'stopped') resolve({ type: 'failed', error: stoppedEarly() })
  })
}

function stoppedEarly(): StoreError {
  return new StoreError(
    'MEMBER_FAILED',
    'The member stopped itself as soon as it was opened: its log says why, as a line before this one.',
  )
}
