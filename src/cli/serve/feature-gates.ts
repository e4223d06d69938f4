/** `--feature-gates`: every feature that etcd 3.6 and 3.7 know by this is there or needless, so each is only told of. */
import { nearest } from './nearest.js'
import { SettingError } from './setting-error.js'

const GATES: Readonly<Record<string, string>> = {
  AllAlpha: 'there are no features to turn on',
  AllBeta: 'there are no features to turn on',
  StopGRPCServiceOnDefrag: 'a member serves during a defragmentation',
  InitialCorruptCheck: 'what is on disk is checked at each start',
  CompactHashCheck: 'states are compared as a whole: --corrupt-check-time',
  LeaseCheckpoint: 'what is left of leases always survives a change of leader',
  LeaseCheckpointPersist: 'what is left of leases is always on disk',
  SetMemberLocalAddr: 'who calls is known by its id',
  PriorityRequest: 'there is no such order of requests',
  TxnModeWriteWithSharedBuffer: 'there are no such buffers',
  FastLeaseKeepAlive: 'renewals are always answered without a write',
}

/** What there is to say of those that were given. Throws {@link SettingError}. */
export function featureNotes(gates: string): readonly string[] {
  return gates
    .split(',')
    .filter((gate) => gate.trim() !== '')
    .map((gate) => {
      const [, name = '', value] = /^\s*([^=\s]+)\s*=\s*(true|false)\s*$/i.exec(gate) ?? []
      if (value === undefined) throw new SettingError('--feature-gates is Name=true,Name=false')
      const why = Object.hasOwn(GATES, name) ? GATES[name] : undefined
      if (why !== undefined) return `the feature gate ${name} has no effect: ${why}`
      throw new SettingError(`--feature-gates knows no ${name}${nearest(name, Object.keys(GATES))}`)
    })
}
