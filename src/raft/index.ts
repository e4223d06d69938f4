/** The entry point quorate/raft: the consensus core alone, for a state machine, a log and a transport of your own. */
export { RawNode } from './raw-node.js'
export {
  describeEntry,
  describeEvent,
  describeMessage,
  describeProgress,
  describeReady,
  describeStatus,
} from './describe.js'
export { describeConfiguration } from './configuration.js'
export type { CompleteConfiguration } from './configuration.js'
export { describeConfigurationRefusal } from './confchange/change.js'
export type {
  ConfigurationChange,
  ConfigurationRefusal,
  MemberChange,
  ProposeConfigurationResult,
} from './confchange/change.js'
export { decodeConfiguration, encodeConfiguration } from './confchange/codec.js'
export type { ConfigurationContent } from './confchange/codec.js'
export { describeTransferRefusal } from './transfer-result.js'
export type { TransferRefusal, TransferResult } from './transfer-result.js'
export { NOBODY } from './types.js'
export type {
  Configuration,
  Entry,
  EntryKind,
  HardState,
  Index,
  LogPosition,
  NodeId,
  Promises,
  Role,
  StoredState,
  Term,
} from './types.js'
export type {
  Append,
  AppendAccepted,
  AppendRejected,
  Heartbeat,
  HeartbeatReply,
  Message,
  MessageType,
  PreVote,
  PreVoteReply,
  ReadIndexReply,
  ReadIndexRequest,
  Recovered,
  Recovering,
  Snapshot,
  TimeoutNow,
  Vote,
  VoteReply,
} from './message.js'
export type { RaftOptions } from './options.js'
export type {
  FollowerStatus,
  ProposalRefusal,
  ProposeResult,
  ReadState,
  Ready,
  Restore,
  SnapshotRequest,
  Status,
  Write,
} from './ready.js'
export type { IgnoreReason, RaftEvent, RaftEventType, SnapshotRefusal, VoteRefusal } from './trace.js'
