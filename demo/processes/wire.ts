/** What a process and its parent say to each other: questions with answers, and reports that nobody asked for. */

/** Downwards. */
export type Order<Command> =
  { readonly type: 'question'; readonly id: number; readonly command: Command } | { readonly type: 'end' }

/** Upwards. */
export type Message<Report> =
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly message: string }
  | { readonly type: 'report'; readonly report: Report }
