/**
 * The port between members: opaque frames, weakly promised.
 *
 * A frame may be lost, repeated, delayed or reordered; it is never altered, and it comes from the peer that it says it
 * comes from. What crosses it (Raft messages, forwarded calls) is encoded in member/wire; a transport knows none of it.
 *
 * Two channels lead to each peer, so that what is large does not delay what is urgent; between them there is no order.
 */

/** A member as the transport sees it: a positive safe integer. */
export type PeerId = number

export interface Frame {
  /** 0 to 255, for the one above to tell its codecs apart. */
  readonly kind: number
  readonly bytes: Uint8Array
}

/** `main` for Raft and calls, `bulk` for the pieces of snapshots. */
export type Channel = 'main' | 'bulk'

/** Who speaks: checked in the handshake by both sides. */
export interface TransportIdentity {
  readonly clusterId: number
  readonly memberId: PeerId
}

/**
 * What the transport calls; every method returns at once and never throws. Never called within a call of the transport's
 * own methods, always in a turn of its own.
 */
export interface TransportHandler {
  /** Of either channel. `frame.bytes` belongs to the receiver: the transport does not use the memory again. */
  onFrame(from: PeerId, frame: Frame): void
  /** A connection to `peer` stands, in the direction we send and on the main channel; `version` is what both ends speak. */
  onReachable(peer: PeerId, version: number): void
  /** The connection to `peer` is gone, or could not be made; repeated tries report only the first time. */
  onUnreachable(peer: PeerId, reason: string): void
  /**
   * The peer `by` refuses us, since this member was removed from the cluster. Told once, until `by` is reachable again, and
   * beside `onUnreachable`.
   */
  onRemoved?(by: PeerId): void
  /**
   * The peer answered what the transport itself had said, so many milliseconds before. A transport that measures nothing never
   * calls it.
   */
  onRoundTrip?(peer: PeerId, durationMs: number): void
  /**
   * Somebody asks who need not be a member: a process that wants to join. What is answered goes back as it is, at most
   * `LIMITS.answerBytesMax` of it; whoever asks is told only that there is no answer when the promise is rejected.
   * Questions are at most `LIMITS.questionBytesMax` long, and `LIMITS.questionsMax` of them are under way at the same time.
   */
  onQuestion?(question: Uint8Array): Promise<Uint8Array>
}

export interface Peer {
  readonly id: PeerId
  /** In the form that this transport understands: `host:port` for TCP. */
  readonly address: string
}

export interface TransportStatistics {
  readonly framesSent: number
  readonly framesReceived: number
  /** Frames dropped because a queue was full or no connection stood, or queued on a connection that fell. */
  readonly framesDropped: number
  /** Inbound connections closed for a reason of theirs: wrong cluster, malformed frame, time-out. */
  readonly connectionsRefused: number
}

export interface Transport {
  /**
   * Starts to listen and to connect to the peers. Rejects with `ADDRESS_IN_USE`, `ADDRESS_INVALID` or `TLS_REQUIRED`, after
   * which it may be called again; with `CLOSED`; with `TypeError` when it was called before.
   */
  start(identity: TransportIdentity, handler: TransportHandler): Promise<void>
  /**
   * Replaces the set of peers: frames from others are refused, connections to others closed. Allowed before start. The own
   * id is passed over. A peer that is removed is not reported unreachable. An address that is none is reported as such
   * through `onUnreachable`: it may come from a configuration that others decided on.
   * `removed` replaces the set of those that were members: when they call, they are told that they were removed.
   */
  setPeers(peers: readonly Peer[], removed?: readonly PeerId[]): void
  /**
   * Queues a frame and returns at once; false when it was dropped (unknown peer, full queue, no connection).
   * Frames sent in one turn of the event loop leave together. `frame.bytes` must not change afterwards.
   * Default channel: `main`. That a peer is reachable says nothing of `bulk`, which may come to stand a little later, and
   * which a transport without channels may send over `main`.
   * Throws `RangeError` for a frame that could never be sent: over `LIMITS.frameBytesMax`, or a kind that is no byte.
   */
  send(to: PeerId, frame: Frame, channel?: Channel): boolean
  /**
   * Asks whoever listens at `address`, also before the start and after a start that failed. Rejects with `UNREACHABLE`, with
   * `TIMEOUT`, with `ADDRESS_INVALID`, with `CLOSED`, and with `RangeError` for a question over `LIMITS.questionBytesMax`. A
   * transport without it cannot be joined through.
   */
  ask?(address: string, question: Uint8Array, timeoutMs: number): Promise<Uint8Array>
  /** Where it listens, as a peer would dial it (the port that was chosen, for port 0); undefined before start. */
  readonly address: string | undefined
  readonly statistics: TransportStatistics
  /** Stops listening, closes every connection; idempotent; afterwards no handler is called. */
  close(): Promise<void>
}
