/**
 * A transport of one's own: members in threads of one process, joined by the ports of `worker_threads`. Every thread has a network in memory, with its own member in it and a stand-in for each of the others. What reaches a
 * stand-in goes through a port to the thread of the member that it stands for; what that one does, the stand-in does here.
 */
import type { MessagePort } from 'node:worker_threads'
import { LIMITS, MemoryNetwork, type Timers } from 'quorate'
import type { Frame, Peer, PeerId, Transport, TransportIdentity } from 'quorate/transport'

type Message =
  | { type: 'started'; self: TransportIdentity }
  | { type: 'peers'; peers: readonly Peer[]; removed: readonly PeerId[] }
  | { type: 'frame'; to: PeerId; frame: Frame }
  | { type: 'taken'; bytes: number }
  | { type: 'closed' }

/** `ports` lead to the other threads, by the names of their members. */
export function threadNetwork(name: string, ports: ReadonlyMap<string, MessagePort>, timers: Timers) {
  const network = new MemoryNetwork()
  for (const [other, port] of ports) {
    let standIn = network.transport(other, timers)
    let untakenBytes = 0 // a port has no bound of its own
    const post = (message: Message): void => port.postMessage(message)
    const start = (self: TransportIdentity): Promise<void> =>
      standIn.start(self, {
        onFrame: (_, { kind, bytes }) => {
          if (untakenBytes + bytes.length > LIMITS.peerQueueBytesMax) return
          untakenBytes += bytes.length
          post({ type: 'frame', to: self.memberId, frame: { kind, bytes: new Uint8Array(bytes) } })
        },
        onReachable: () => undefined,
        onUnreachable: () => undefined,
      })
    const close = (): void => {
      void standIn.close()
      untakenBytes = 0
      standIn = network.transport(other, timers)
    }
    port.on('close', close).on('message', (message: Message) => {
      if (message.type === 'started') void start(message.self)
      else if (message.type === 'peers') standIn.setPeers(message.peers, message.removed)
      else if (message.type === 'taken') untakenBytes -= message.bytes
      else if (message.type === 'closed') close()
      else {
        standIn.send(message.to, message.frame)
        post({ type: 'taken', bytes: message.frame.bytes.length })
      }
    })
  }

  /** That of this thread's member. */
  return (): Transport => {
    const own = network.transport(name, timers)
    const tell = (message: Message): void => ports.forEach((port) => port.postMessage(message))
    let state: 'new' | 'started' | 'closed' = 'new'
    return {
      get address() {
        return own.address
      },
      get statistics() {
        return own.statistics
      },
      start: async (self, handler) => {
        await own.start(self, handler)
        if (state === 'new') tell({ type: 'started', self })
        if (state === 'new') state = 'started'
      },
      setPeers: (peers, removed = []) => {
        own.setPeers(peers, removed)
        tell({ type: 'peers', peers, removed })
      },
      send: (to, frame, channel) => own.send(to, frame, channel),
      close: async () => {
        if (state === 'started') tell({ type: 'closed' })
        state = 'closed'
        await own.close()
      },
    }
  }
}
