/** The transport of a member, with what goes through it measured: any transport, since it is the port that is watched. */
import type {
  Channel,
  Frame,
  Peer,
  PeerId,
  Transport,
  TransportHandler,
  TransportIdentity,
  TransportStatistics,
} from '../transport/transport.js'
import type { Telemeter } from './telemeter.js'

export class MeasuredTransport implements Transport {
  readonly #transport: Transport
  readonly #telemeter: Telemeter
  readonly #reachable = new Set<PeerId>()
  readonly ask?: NonNullable<Transport['ask']>

  constructor(transport: Transport, telemeter: Telemeter) {
    this.#transport = transport
    this.#telemeter = telemeter
    if (transport.ask !== undefined) this.ask = transport.ask.bind(transport)
  }

  get address(): string | undefined {
    return this.#transport.address
  }

  get statistics(): TransportStatistics {
    return this.#transport.statistics
  }

  get reachablePeers(): readonly PeerId[] {
    return [...this.#reachable]
  }

  start(identity: TransportIdentity, handler: TransportHandler): Promise<void> {
    return this.#transport.start(identity, this.#measured(handler))
  }

  setPeers(peers: readonly Peer[], removed?: readonly PeerId[]): void {
    // Of a peer that is taken out nothing more is reported.
    for (const id of this.#reachable) if (!peers.some((peer) => peer.id === id)) this.#reachable.delete(id)
    this.#transport.setPeers(peers, removed)
  }

  send(to: PeerId, frame: Frame, channel?: Channel): boolean {
    const taken = this.#transport.send(to, frame, channel)
    this.#telemeter.tell?.({ type: 'frame-sent', peer: to, bytes: frame.bytes.byteLength, taken })
    return taken
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  #measured(handler: TransportHandler): TransportHandler {
    const telemeter = this.#telemeter
    const reachable = this.#reachable
    return {
      onFrame(from, frame) {
        telemeter.tell?.({ type: 'frame-received', peer: from, bytes: frame.bytes.byteLength })
        handler.onFrame(from, frame)
      },
      onReachable(peer, version) {
        reachable.add(peer)
        telemeter.tell?.({ type: 'peer-reachable', peer })
        handler.onReachable(peer, version)
      },
      onUnreachable(peer, reason) {
        reachable.delete(peer)
        telemeter.tell?.({ type: 'peer-unreachable', peer })
        handler.onUnreachable(peer, reason)
      },
      onRoundTrip(peer, durationMs) {
        telemeter.tell?.({ type: 'round-trip', peer, durationMs })
        handler.onRoundTrip?.(peer, durationMs)
      },
      ...(handler.onRemoved && { onRemoved: (by: PeerId) => handler.onRemoved?.(by) }),
      ...(handler.onQuestion && { onQuestion: handler.onQuestion.bind(handler) }),
    }
  }
}
