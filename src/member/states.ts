/** States on their way: to other members, from them, and into the place of this member's own. */
import type { Ready } from '../raft/ready.js'
import type { NodeId } from '../raft/types.js'
import type { SnapshotReceiver } from './snapshot-receiver.js'
import type { SnapshotSender } from './snapshot-sender.js'
import type { StateRepair } from './state-repair.js'
import { decodeTransfer } from './wire/transfer-codec.js'

export class States {
  readonly sender: SnapshotSender
  readonly receiver: SnapshotReceiver
  readonly repair: StateRepair

  constructor(sender: SnapshotSender, receiver: SnapshotReceiver, repair: StateRepair) {
    this.sender = sender
    this.receiver = receiver
    this.repair = repair
  }

  /** A frame of a transfer came in. Throws `MALFORMED`. */
  receive(from: NodeId, bytes: Uint8Array, nowMs: number): void {
    const frame = decodeTransfer(bytes)
    switch (frame.type) {
      case 'request':
      case 'pull':
      case 'done':
        this.sender.receive(from, frame, nowMs)
        return
      case 'offer':
      case 'piece':
      case 'failed':
        this.receiver.receive(from, frame, nowMs)
        return
    }
  }

  /** Before the output of the core is taken: what came in may be for it. */
  turn(nowMs: number): void {
    this.repair.turn(nowMs)
    this.sender.turn(nowMs)
    this.receiver.turn(nowMs)
  }

  /** What the core wants to be sent, and what it has no use for. */
  perform({ snapshots, refusedSnapshots }: Ready, nowMs: number): void {
    for (const { to } of snapshots) this.sender.wanted(to, nowMs)
    if (refusedSnapshots.length > 0) this.repair.refused(refusedSnapshots)
  }

  nextDeadlineMs(): number {
    return Math.min(this.sender.nextDeadlineMs(), this.receiver.nextDeadlineMs(), this.repair.nextDeadlineMs())
  }

  /** The member ends: nothing is sent, nothing further taken. */
  stop(): void {
    this.sender.stop()
    this.receiver.stop()
  }

  /** Resolves when nothing of it is on its way to the disk any more. */
  async settled(): Promise<void> {
    await this.receiver.settled()
    await this.repair.settled()
  }
}
