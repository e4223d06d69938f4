/** What was given makes no sense together. Told without a stack; the program ends with exit code 1, as etcd does. */
export class SettingError extends Error {
  override readonly name = 'SettingError'
}
