/**
 * Tells systemd that the member serves, or stops, where it waits for that (`Type=notify`): by the program `systemd-notify`,
 * since Node has no datagram sockets of the kind that are needed. It speaks for another process than itself, so the unit needs
 * `NotifyAccess=all`.
 */
import { execFile } from 'node:child_process'
import type { Logger } from '../../base/logger.js'

const NOTIFY_MS_MAX = 5000

export class Systemd {
  readonly #environment: NodeJS.ProcessEnv
  readonly #logger: Logger

  constructor(environment: NodeJS.ProcessEnv, logger: Logger) {
    this.#environment = environment
    this.#logger = logger
  }

  ready(): Promise<void> {
    return this.#tell('READY=1', 'STATUS=serving')
  }

  stopping(): Promise<void> {
    return this.#tell('STOPPING=1')
  }

  /** Never rejects: whoever does not hear it goes by its timeouts. */
  async #tell(...states: readonly string[]): Promise<void> {
    if ((this.#environment.NOTIFY_SOCKET ?? '') === '') return
    await new Promise<void>((resolve) => {
      const options = { timeout: NOTIFY_MS_MAX, env: this.#environment }
      execFile('systemd-notify', [...states], options, (error) => {
        if (error !== null) {
          this.#logger.warn('systemd was not told: without systemd-notify, use Type=exec or Type=simple', {
            ...{ state: states[0], reason: error.message.trim() },
          })
        }
        resolve()
      })
    })
  }
}
