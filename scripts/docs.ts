/** Writes the generated pages: `npm run docs`. */
import { writeFileSync } from 'node:fs'
import { referencePages } from './reference-pages.js'

for (const [name, content] of referencePages()) {
  writeFileSync(new URL(`../docs/${name}`, import.meta.url), content)
  console.log(`docs/${name}`)
}
