/** Calendar dates are `YYYY-MM-DD` in Europe/Amsterdam (domain.md 1, decided); as text they compare like dates. */
export type CalendarDate = string;

const amsterdam = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Europe/Amsterdam',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/** The date in Amsterdam at a moment. */
export function dateOf(moment: Date): CalendarDate {
  // The formatter writes years before 1000 with fewer digits.
  return amsterdam.format(moment).padStart('YYYY-MM-DD'.length, '0');
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
