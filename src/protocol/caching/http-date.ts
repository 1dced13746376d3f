const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAY = "(?:mon|tue|wed|thu|fri|sat|sun)";
const LONG_DAY = "(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)";
const MONTH = `(${MONTHS.join("|")})`;
const TIME = "([0-9]{2}):([0-9]{2}):([0-9]{2})";

// RFC 9110 §5.6.7: the form to send, and the two obsolete ones that must be understood. Letter case
// is not ours to judge by: other caches do not, and two caches that differ can be played off.
const IMF_FIXDATE = new RegExp(`^${DAY}, ([0-9]{2}) ${MONTH} ([0-9]{4}) ${TIME} gmt$`, "i");
const RFC_850 = new RegExp(`^${LONG_DAY}, ([0-9]{2})-${MONTH}-([0-9]{2}) ${TIME} gmt$`, "i");
const ASCTIME = new RegExp(`^${DAY} ${MONTH} ([ 0-9][0-9]) ${TIME} ([0-9]{4})$`, "i");

const DATE_CHARS_MAX = 40;
const CENTURY = 100;
const AHEAD_MAX_YEARS = 50;

/** Milliseconds of wall time; NaN for what is no date. `nowMs` is for years of two digits. */
export function parseHttpDate(text: string, nowMs: number): number {
  if (text.length > DATE_CHARS_MAX) return Number.NaN;
  let found = IMF_FIXDATE.exec(text);
  if (found !== null) {
    const [, day, month, year, hour, minute, second] = found;
    return dateMs(Number(year), month!, Number(day), hour!, minute!, second!);
  }
  found = RFC_850.exec(text);
  if (found !== null) {
    const [, day, month, year, hour, minute, second] = found;
    return dateMs(fullYear(Number(year), nowMs), month!, Number(day), hour!, minute!, second!);
  }
  found = ASCTIME.exec(text);
  if (found === null) return Number.NaN;
  const [, month, day, hour, minute, second, year] = found;
  return dateMs(Number(year), month!, Number(day), hour!, minute!, second!);
}

/** More than fifty years ahead means the last year with those digits (RFC 9110 §5.6.7). */
function fullYear(digits: number, nowMs: number): number {
  const now = new Date(nowMs).getUTCFullYear();
  const year = now - (now % CENTURY) + digits;
  return year > now + AHEAD_MAX_YEARS ? year - CENTURY : year;
}

function dateMs(
  year: number,
  month: string,
  day: number,
  hour: string,
  minute: string,
  second: string,
): number {
  const monthIndex = MONTHS.indexOf(month.toLowerCase());
  const midnight = Date.UTC(year, monthIndex, day);
  const isDay = day >= 1 && new Date(midnight).getUTCDate() === day; // 31 February is none
  // 60 is a leap second.
  const isTime = Number(hour) < 24 && Number(minute) < 60 && Number(second) <= 60;
  if (!isDay || !isTime) return Number.NaN;
  return midnight + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
}

/** As it is sent: IMF-fixdate. */
export function httpDate(ms: number): string {
  return new Date(ms).toUTCString();
}
