/** Recipes: what is built from the Store contract alone, and so runs over every store that keeps it. */
export { Election } from './election.js'
export type { CampaignOptions, Leadership } from './election.js'
export type { Hold } from './hold.js'
export { Mutex } from './mutex.js'
export type { Lock, LockOptions } from './mutex.js'
export type { WaitOptions } from './patience.js'
export { Session } from './session.js'
export type { SessionOptions } from './session.js'
