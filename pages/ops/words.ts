/** Figures and names in words: pure, and the same everywhere on the page. */

const numbers = new Intl.NumberFormat('en-GB');
const moments = new Intl.DateTimeFormat('en-GB', {
  dateStyle: 'medium',
  timeStyle: 'medium',
});

export const count = (value: number) => numbers.format(value);

/** What is counted of many is told from a sample (docs/adr/0032), so that more than three figures of it would mean nothing. */
const roughFrom = 20_000;
const roughNumbers = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
export const rough = (value: number) => (value < roughFrom ? count(value) : `about ${roughNumbers.format(value)}`);

/** `1 event`, `2 events`. */
export const counted = (value: number, one: string, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

/** A length of time in at most two units: `45 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (seconds < 10 && seconds > 0 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
  const units: [string, number][] = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ];
  const first = units.findIndex(([, size]) => whole >= size);
  if (first === -1) return '0 s';
  let rest = whole;
  const parts: string[] = [];
  for (const [name, size] of units.slice(first, first + 2)) {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    if (amount > 0) parts.push(`${amount} ${name}`);
  }
  return parts.join(' ');
}

/** In the time of the operator's machine. */
export const moment = (text: string) => moments.format(new Date(text));

/** A moment as a date and time field has it, in the time of the operator's machine. */
export function fieldMoment(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length);
}

/** The text when it is a moment: addresses are typed by hand at times. */
export const validMoment = (text: string | undefined) =>
  text !== undefined && !Number.isNaN(Date.parse(text)) ? text : undefined;

/** How long ago, or how far ahead. */
export function ago(text: string, nowMs: number): string {
  const seconds = (nowMs - Date.parse(text)) / 1_000;
  if (Math.abs(seconds) < 1) return 'just now';
  return seconds >= 0 ? `${duration(Math.round(seconds))} ago` : `in ${duration(Math.round(-seconds))}`;
}

/** `client_endpoint` as a person would say it. */
export const plain = (name: string) => name.replaceAll('_', ' ');

/** The last part of a CloudEvents type: `nl.medmij.subscription.started.v1` is `started`. */
export const eventName = (type: string) => type.split('.').at(-2) ?? type;

/** How a state looks: `bad` wants somebody, `wait` passes by itself or soon wants somebody, `good`, or neither. */
export function toneOf(state: string): 'good' | 'wait' | 'bad' | 'rest' {
  return tones[state] ?? 'rest';
}

const tones: Record<string, 'good' | 'wait' | 'bad' | 'rest'> = {
  active: 'good',
  delivered: 'good',
  closed: 'good',
  fresh: 'good',
  granted: 'good',
  pending: 'wait',
  sending: 'wait',
  retry: 'wait',
  half_open: 'wait',
  suspended: 'wait',
  parked: 'wait',
  'under way': 'wait',
  dead: 'bad',
  open: 'bad',
  stale: 'bad',
  failed: 'bad',
  delisted: 'bad',
  degraded: 'bad',
  unavailable: 'bad',
};
