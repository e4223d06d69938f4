/** Of a proposal that came too late, or whose member was removed, nobody looked at what it asks for. */
import type { Outcome } from '../../machine/outcome.js'

export function passedOver(outcome: Outcome): boolean {
  return !outcome.ok && (outcome.code === 'PROPOSAL_EXPIRED' || outcome.code === 'MEMBER_REMOVED')
}
