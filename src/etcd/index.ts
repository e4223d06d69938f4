/**
 * etcd's face: its API on any store, and the store over a remote etcd. What is exported here, and nothing else, is public.
 *
 * @module
 */
export { connect } from './client/connect.js'
export type { ConnectAuth, ConnectOptions, ConnectTlsOptions } from './client/connect-options.js'
export { serveEtcd } from './server/serve-etcd.js'
export type { EtcdServer } from './server/serve-etcd.js'
export type { ServeEtcdOptions } from './server/options.js'
export type { EtcdTlsOptions } from './server/tls-options.js'
