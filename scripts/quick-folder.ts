/** Where runs put the directories that they try out. */
import { accessSync, constants } from 'node:fs'
import { tmpdir } from 'node:os'

/** In memory where there is such a folder: what is tried out here is not the disk. */
export function quickFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK)
    return '/dev/shm'
  } catch {
    return tmpdir()
  }
}
