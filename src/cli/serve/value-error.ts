/** A text is not what its flag takes. The message goes on behind the name of the flag: "must be ...". */
export class ValueError extends Error {
  override readonly name = 'ValueError'
}
