/** Entry point `quorate/transport`: the port between members, and what stands behind it. */
export { httpTransport } from './http.js'
export type { HttpAttachOptions, HttpListenOptions, HttpOptions, HttpTransport } from './http-options.js'
export { MemoryNetwork } from './memory.js'
export { tcpTransport } from './tcp.js'
export type { TcpLimits, TcpOptions } from './tcp-options.js'
export type { TlsOptions } from './tls-options.js'
export type {
  Channel,
  Frame,
  Peer,
  PeerId,
  Transport,
  TransportHandler,
  TransportIdentity,
  TransportStatistics,
} from './transport.js'
