/** The parts that have to do with states of other members, made and put together. */
import { NEVER } from '../base/buggify.js'
import { LIMITS } from '../base/limits.js'
import type { Machine } from '../machine/machine.js'
import type { RawNode } from '../raft/raw-node.js'
import type { LogPosition, NodeId } from '../raft/types.js'
import type { Storage } from '../storage/storage.js'
import type { AddressBook } from './address-book.js'
import type { MemberOptions } from './member-options.js'
import type { PeerVersions } from './peer-versions.js'
import { SnapshotReceiver } from './snapshot-receiver.js'
import { SnapshotSender } from './snapshot-sender.js'
import type { SnapshotStream } from './snapshots.js'
import { StateRepair } from './state-repair.js'
import { States } from './states.js'
import type { Telemeter } from './telemeter.js'
import { FRAME_KIND } from './wire/frame-kind.js'
import { encodeTransfer, type TransferFrame } from './wire/transfer-codec.js'

export interface StatesGround {
  readonly options: MemberOptions
  readonly telemeter: Telemeter
  readonly storage: Storage
  readonly machine: Machine
  readonly raft: RawNode
  readonly book: AddressBook
  readonly versions: PeerVersions
  /** A snapshot of this member's state. */
  readonly openSnapshot: () => SnapshotStream
  /** Resolves when no write of the state is under way. */
  readonly stateSettled: () => Promise<void>
  readonly adopted: (before: LogPosition) => void
  /** Something on the disk is damaged, and there is no other member to make up for it. */
  readonly damagedAlone: (what: string) => void
  readonly failed: (error: unknown) => void
  readonly wake: () => void
}

/** Election timeouts after which whoever is silent in the middle of a transfer is given up. */
const SILENT_ELECTIONS = 10

export function makeStates(ground: StatesGround): States {
  const { options, telemeter, storage, machine, raft, failed, wake } = ground
  const { memberId, clusterId, transport, electionTimeoutMs, valueCacheBytesMax, environment } = options
  const { clock, timers, random, logger, buggify = NEVER } = environment
  const retryMs = electionTimeoutMs / 2
  const silentMs = SILENT_ELECTIONS * electionTimeoutMs
  const send = (to: NodeId, frame: TransferFrame): boolean => {
    if (transport === undefined || buggify('send-refused')) return false
    // Pieces alone are large: what asks for them must not wait behind them.
    const channel = frame.type === 'piece' ? 'bulk' : 'main'
    return transport.send(to, { kind: FRAME_KIND.transfer, bytes: encodeTransfer(frame) }, channel)
  }
  const repair: StateRepair = new StateRepair({
    ...{ memberId, raft, machine, random, logger, retryMs, failed, wake },
    damagedAlone: () => (ground.book.alone ? ground.damagedAlone : undefined),
    install: (incoming, at) => storage.install(incoming, at),
    stateSettled: ground.stateSettled,
    adopted: ground.adopted,
    release: () => {
      receiver.release()
    },
    observe: options.observe,
  })
  const receiver = new SnapshotReceiver({
    ...{ clusterId, memberId, raft, valueCacheBytesMax, send, clock, timers, retryMs, silentMs, logger, buggify },
    beginIncoming: () => storage.beginIncoming(),
    needed: () => repair.needed,
    windowPieces: (from) =>
      ground.versions.hasBulk(from) ? LIMITS.transferWindowPieces : LIMITS.transferWindowPiecesOnMain,
    received: (state) => {
      repair.receive(state)
    },
    ...{ telemeter, failed, wake },
  })
  const sender = new SnapshotSender({
    ...{ raft, send, clock, random, retryMs, silentMs, logger, telemeter, wake, buggify },
    stateBytes: () => machine.bytesInUse,
    open: () => (repair.hidden ? undefined : ground.openSnapshot()),
    appliedIndex: () => (repair.hidden ? 0 : machine.appliedIndex),
    streamFailed: (error) => {
      repair.damaged(error)
    },
  })
  return new States(sender, receiver, repair)
}
