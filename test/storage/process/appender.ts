/** Appends to the log in the folder it is given until it is killed, and prints each entry once it is acknowledged. */
import { levelDisk } from '../../../src/storage/level-disk.js'
import { openStorage } from '../../../src/storage/storage.js'

async function main(folder: string): Promise<void> {
  const storage = await openStorage(levelDisk(folder), { clusterId: 1, memberId: 2, name: 'child' })
  for (let index = storage.log.last.index + 1; ; index++) {
    const data = Buffer.from(`entry ${index}`)
    await storage.log.append({
      id: 1,
      hardState: { term: 1, vote: 2 },
      entries: [{ index, term: 1, kind: 'normal', data }],
    })
    process.stdout.write(`${index}\n`)
  }
}

void main(process.argv[2] as string)
