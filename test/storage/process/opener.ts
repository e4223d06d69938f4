/** Opens the folder it is given, and prints what came of it: the last entry, or the error. */
import { levelDisk } from '../../../src/storage/level-disk.js'
import { openStorage } from '../../../src/storage/storage.js'

async function main(folder: string): Promise<unknown> {
  try {
    const storage = await openStorage(levelDisk(folder), { clusterId: 0xc1, memberId: 0xa1, name: 'a' })
    const { index } = storage.log.last
    await storage.close()
    return { index }
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    return { code, message }
  }
}

void main(process.argv[2] as string).then((outcome) => process.stdout.write(JSON.stringify(outcome)))
