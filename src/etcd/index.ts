/**
 * etcd's face: its API on any store, and the store over a remote etcd. What is exported here, and nothing else, is public.
 *
 * @module
 */
export type { ServeEtcdOptions } from './server/options.js'
