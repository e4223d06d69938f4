/** Points of wall-clock time as text that sorts by time: `20261130T123000123Z`. Proleptic Gregorian, years 0 to 9999. */

const DAY_MS = 86_400_000
/** From 0000-03-01, where a leap day ends a year, to 1970-01-01. */
const DAYS_BEFORE_1970 = 719_468
const DAYS_OF_400_YEARS = 146_097
const PATTERN = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/

/** Milliseconds since 1970. */
export function utcText(wallMs: number): string {
  const whole = Math.floor(wallMs)
  const days = Math.floor(whole / DAY_MS)
  const ms = whole - days * DAY_MS
  const { year, month, day } = dateOf(days)
  const time = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1000) % 60].map((part) => padded(Math.floor(part), 2))
  return `${padded(year, 4)}${padded(month, 2)}${padded(day, 2)}T${time.join('')}${padded(ms % 1000, 3)}Z`
}

/** Undefined for what {@link utcText} never gives. */
export function parseUtcText(text: string): number | undefined {
  const [year, month, day, hour, minute, second, ms] = (PATTERN.exec(text) ?? []).slice(1).map(Number)
  if (year === undefined || month === undefined || day === undefined) return undefined
  if (hour === undefined || minute === undefined || second === undefined || ms === undefined) return undefined
  const wallMs = daysOf(year, month, day) * DAY_MS + hour * 3_600_000 + minute * 60_000 + second * 1000 + ms
  return utcText(wallMs) === text ? wallMs : undefined
}

/** Years begin in March here, so that the day that some of them have more is their last one. */
function dateOf(daysSince1970: number): { readonly year: number; readonly month: number; readonly day: number } {
  const days = daysSince1970 + DAYS_BEFORE_1970
  const era = Math.floor(days / DAYS_OF_400_YEARS)
  const dayOfEra = days - era * DAYS_OF_400_YEARS
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const month = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * month + 2) / 5) + 1
  const year = era * 400 + yearOfEra + (month < 10 ? 0 : 1)
  return { year, month: month < 10 ? month + 3 : month - 9, day }
}

function daysOf(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1
  const era = Math.floor(marchYear / 400)
  const yearOfEra = marchYear - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = 365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * DAYS_OF_400_YEARS + dayOfEra - DAYS_BEFORE_1970
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0')
}
