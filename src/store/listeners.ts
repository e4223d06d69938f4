/** Tells the users of a store what happens to its member. */
import { StoreListeners } from '../api/store-listeners.js'
import type { MemberListener } from '../member/member-options.js'

export class Listeners extends StoreListeners implements MemberListener {}
