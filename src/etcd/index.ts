/**
 * etcd's face: its API on any store, and the store over a remote etcd. What is exported here, and nothing else, is public.
 *
 * @module
 */
export { serveEtcd } from './server/serve-etcd.js'
export type { EtcdServer } from './server/serve-etcd.js'
export type { ServeEtcdOptions } from './server/options.js'
