export const byId = (id) => document.getElementById(id);

/** An element with properties (`className`, `textContent`, `onclick` ...), and children that are elements or texts. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const longDate = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

/** A calendar date (YYYY-MM-DD) in words. */
export const inWords = (date) => longDate.format(new Date(`${date}T00:00:00Z`));

const amsterdam = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Amsterdam' });

/** Days of a subscription count in Amsterdam. */
export const today = () => amsterdam.format();

/** From today to that date, and at least one. */
export const daysUntil = (date) => Math.max(1, Math.round((Date.parse(date) - Date.parse(today())) / 86_400_000));
