/** Lets a worker thread load TypeScript, as the main thread does, and starts it. */
import { register } from 'tsx/esm/api'

register()
await import('./worker.ts')
