/**
 * Who calls: the token that goes with each call, and where it comes from.
 *
 * Always: one login at a time, however many calls wait for its token; and none where nobody asked for it.
 */
import type { ConnectAuth } from './connect-options.js'

/** Gets a token. Resolves with undefined where authorization is not enabled: then none is needed. */
export type Authenticate = (user: string, password: string) => Promise<string | undefined>

export class Login {
  readonly #auth: ConnectAuth | undefined
  readonly #authenticate: Authenticate
  /** Undefined: nobody has logged in since the last token was refused. */
  #token: { readonly text: string | undefined } | undefined
  #loggingIn: Promise<{ readonly text: string | undefined }> | undefined

  constructor(auth: ConnectAuth | undefined, authenticate: Authenticate) {
    this.#auth = auth
    this.#authenticate = authenticate
    if (auth === undefined) this.#token = { text: undefined }
    else if ('token' in auth) this.#token = { text: auth.token }
  }

  /** The user who logs in; undefined for a token, which does not say whose it is, and for nobody. */
  get user(): string | undefined {
    return this.#auth !== undefined && 'user' in this.#auth ? this.#auth.user : undefined
  }

  /** Whether calls go without a token. */
  get isAnonymous(): boolean {
    return this.#auth === undefined
  }

  /** Whether a token that was refused can be replaced. */
  get canRenew(): boolean {
    return this.user !== undefined
  }

  /** What is known without waiting. */
  get known(): { readonly text: string | undefined } | undefined {
    return this.#token
  }

  /** Rejects as the login does. */
  async token(): Promise<string | undefined> {
    if (this.#token !== undefined) return this.#token.text
    const { user, password } = this.#auth as { user: string; password: string }
    this.#loggingIn ??= this.#authenticate(user, password)
      .then((text) => (this.#token = { text }))
      .finally(() => (this.#loggingIn = undefined))
    return (await this.#loggingIn).text
  }

  /** This token counts no more: the next call logs in again. Told by each call that was refused for it. */
  refused(token: string | undefined): void {
    if (this.canRenew && this.#token?.text === token) this.#token = undefined
  }
}
