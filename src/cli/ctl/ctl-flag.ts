/** A flag of a command that stands in for one of etcdctl: what it is called, what it takes, and what it is without. */

export interface CtlFlag {
  /** Without the dashes. */
  readonly name: string
  /** One letter. */
  readonly short?: string
  readonly type: 'text' | 'boolean' | 'integer' | 'duration' | 'list'
  /** As it would be written. Default: '', false or 0. */
  readonly fallback?: string
  readonly summary: string
}

const WITHOUT: Readonly<Record<CtlFlag['type'], string>> = {
  text: '',
  boolean: 'false',
  integer: '0',
  duration: '0s',
  list: '',
}

/** What the flag is where nobody gives it. */
export function fallbackOf({ type, fallback }: CtlFlag): string {
  return fallback ?? WITHOUT[type]
}
