/**
 * Runs the programs of examples/recipes one after the other in this process, each under its name: to start a process for each
 * would cost more than what they do. What one of them leaves open keeps this one from ending.
 */
import { readdirSync } from 'node:fs'

const folder = new URL('../../examples/recipes/', import.meta.url)
for (const name of readdirSync(folder).sort()) {
  console.log(`== ${name}`)
  await import(new URL(name, folder).href)
}
