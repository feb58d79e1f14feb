/** A month in UTC as `yyyymm`, the ending of a partition's name; they sort as they follow each other. */
export type CalendarMonth = string;

export function monthOf(moment: Date): CalendarMonth {
  return moment.toISOString().slice(0, 7).replace('-', '');
}

export function startOfMonth(month: CalendarMonth): Date {
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(4)) - 1));
}

export function monthAfter(month: CalendarMonth, months: number): CalendarMonth {
  return monthOf(new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(4)) - 1 + months)));
}
