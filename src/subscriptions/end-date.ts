/** Calendar dates are `YYYY-MM-DD` in Europe/Amsterdam (domain.md 1, decided); as text they compare like dates. */
export type CalendarDate = string;

const amsterdam = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Europe/Amsterdam',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

const hourMs = 3_600_000;
/** The dates of the hours asked for last. */
const datesOfHours = new Map<number, CalendarDate>();
const hoursMax = 1_000;

/** The date in Amsterdam at a moment. */
export function dateOf(moment: Date): CalendarDate {
  // The formatter takes microseconds, and a day in Amsterdam begins at a whole hour of UTC: since 1937 offsets are whole hours.
  const hour = Math.floor(moment.getTime() / hourMs);
  const known = datesOfHours.get(hour);
  if (known !== undefined) return known;
  // The formatter writes years before 1000 with fewer digits.
  const date = amsterdam.format(moment).padStart('YYYY-MM-DD'.length, '0');
  if (moment.getTime() < 0) return date;
  if (datesOfHours.size >= hoursMax) datesOfHours.clear();
  datesOfHours.set(hour, date);
  return date;
}

/** Calendar arithmetic: a day on which the clock changes is still one day. */
export function addDays(date: CalendarDate, days: number): CalendarDate {
  const moment = new Date(`${date}T00:00:00Z`);
  moment.setUTCDate(moment.getUTCDate() + days);
  return moment.toISOString().slice(0, 10);
}

/** Active while today < end date; at 00:00 of the end date it has ended (domain.md 1, decided). */
export function hasEnded(endDate: CalendarDate, today: CalendarDate): boolean {
  return endDate <= today;
}
