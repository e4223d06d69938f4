/** A refusal that only etcd's API has: its status and its text, which clients match on, to the letter. */
import type { status } from '@grpc/grpc-js'

export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: keyof typeof status

  constructor(code: keyof typeof status, text: string) {
    super(text)
    this.status = code
  }
}
