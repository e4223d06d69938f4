/**
 * The child's end: answers what the parent asks, reports what happens, and ends when the parent is gone.
 *
 * Always: once {@link Parent.report} has resolved, the parent will see the report even if this process is killed next: it
 * is with the operating system.
 */
import type { Message, Order } from './wire.js'

export class Parent<Command, Report> {
  /** `answer` is called for each question; what it rejects with is told to whoever asked. */
  constructor(answer: (command: Command) => Promise<unknown>) {
    if (process.send === undefined) throw new Error('this is started by another process, not by hand')
    process.on('message', (order: Order<Command>) => {
      if (order.type === 'end') process.exit()
      void this.#answer(order.id, answer(order.command))
    })
    // Nobody is left to report to, or to be stopped by.
    process.on('disconnect', () => process.exit(1))
    // Ctrl-C reaches the whole terminal; when to end is the parent's decision.
    process.on('SIGINT', () => undefined)
  }

  report(report: Report): Promise<void> {
    return this.#send({ type: 'report', report })
  }

  async #answer(id: number, answer: Promise<unknown>): Promise<void> {
    try {
      await this.#send({ type: 'answer', id, answer: await answer })
    } catch (error) {
      await this.#send({ type: 'failure', id, message: error instanceof Error ? error.message : String(error) })
    }
  }

  #send(message: Message<Report>): Promise<void> {
    return new Promise((resolve) => {
      // An error means that the parent is gone; 'disconnect' sees to that.
      process.send?.(message, undefined, {}, () => {
        resolve()
      })
    })
  }
}
