/** How long to wait before all servers are tried once more: longer each time, and half of it by chance. */
import type { Random } from '../../base/random.js'
import { LIMITS } from '../../base/limits.js'

export function reconnectMs(rounds: number, random: Random): number {
  const { clientReconnectMsMin, clientReconnectMsMax } = LIMITS
  const fullMs = Math.min(clientReconnectMsMin * 2 ** Math.min(rounds, 16), clientReconnectMsMax)
  return fullMs / 2 + (fullMs / 2) * (random.uint32() / 0x1_0000_0000)
}
