/**
 * What the doors tell of each call, and the HTTP endpoints of each check, for whoever counts them (../metrics).
 *
 * Always: both doors tell of the same methods in the same way: etcd's gateway is a client of its own gRPC port, so what comes
 * in through it is counted among the calls there too.
 */

export interface CallObserver {
  /**
   * A call begins.
   *
   * @param path of the method, as the generated code has it: `/etcdserverpb.KV/Put`.
   * @param clientApiVersion what the client says in its metadata `client-api-version`.
   */
  begin(path: string, clientApiVersion?: string): ObservedCall
}

export interface ObservedCall {
  /** A request came in: how many bytes its message has. */
  received(bytes: number): void
  /** A response goes out. */
  sent(bytes: number): void
  /** Once, and last. `code` and `text` are those of the gRPC status; 0 is OK. */
  ended(code: number, text?: string): void
}

/** The endpoints whose checks are told by name. */
export type HealthEndpoint = 'livez' | 'readyz'

export interface HealthObserver {
  /** `/health` was answered. */
  health(healthy: boolean): void
  /** One check of `/livez` or `/readyz` was made: `serializable_read`, `data_corruption` and the like. */
  checked(endpoint: HealthEndpoint, name: string, passed: boolean): void
}

const NOBODY: ObservedCall = {
  received: () => undefined,
  sent: () => undefined,
  ended: () => undefined,
}

/** Where nobody counts. */
export const NOT_OBSERVED: CallObserver & HealthObserver = {
  begin: () => NOBODY,
  health: () => undefined,
  checked: () => undefined,
}
