/** Which etcd the API here is that of: what `/version` and `Status` tell, in one place. */
export const ETCD_VERSION = {
  /** The level of the API. Clients compare it, and some take dotted whole numbers only. */
  server: '3.6.14',
  cluster: '3.6.0',
  storage: '3.6.0',
} as const
