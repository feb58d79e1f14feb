import type { ListElement } from './list-document';
import { excerpt } from './list-refused';

/** Longest endpoint URI taken over, in characters. */
const endpointLengthMax = 2048;

/** Longest service id or interface version taken over, in characters (domain.md 1). */
const identifierLengthMax = 30;

/** Longest text meant for people (organisation and display names), in characters. */
const displayTextLengthMax = 500;

/** A fully qualified name in lower case; its last label starts with a letter, so that an IPv4 address is none. */
const hostNamePattern = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const dateTimePattern =
  /^[0-9]{4}-[0-9]{2}-([0-9]{2})T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,12})?(?:Z|[+-][0-9]{2}:[0-9]{2})$/;

/** What every list carries: when it was published and its number, up by one at each publication (domain.md 9). */
export interface ListHeader {
  publishedAt: Date;
  sequence: number;
}

/** How a list is read. `localhostAllowed` is the development allowance of contract.md 2, false in production. */
export interface ListReading {
  localhostAllowed: boolean;
}

/** An endpoint of a list: its URI as published and the host in it, in lower case, without port. */
export interface Endpoint {
  uri: string;
  host: string;
}

/** @throws ListRefused Tijdstempel or Volgnummer is missing, there twice or wrong */
export function listHeader(root: ListElement): ListHeader {
  return { publishedAt: moment(root.one('Tijdstempel')), sequence: positiveInteger(root.one('Volgnummer')) };
}

/** An xs:dateTime with zone; without one nobody knows which moment is meant. @throws ListRefused */
export function moment(element: ListElement): Date {
  const text = element.text();
  const match = dateTimePattern.exec(text);
  const date = new Date(match ? text : Number.NaN);
  // JavaScript reads 30 February as 2 March, so the day is looked at on its own.
  const daysInMonth = new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
  if (Number.isNaN(date.getTime()) || Number(match?.[1]) > daysInMonth) {
    element.refuse(`${excerpt(text)} is not a date and time with a zone`);
  }
  return date;
}

/** @throws ListRefused */
export function positiveInteger(element: ListElement): number {
  const text = element.text();
  if (!/^[0-9]{1,15}$/.test(text) || Number(text) === 0) element.refuse(`${excerpt(text)} is not a positive integer`);
  return Number(text);
}

/**
 * A host name, in lower case because that is how names compare. `localhost` is the one single label taken, and only
 * where development allows it.
 * @throws ListRefused
 */
export function hostName(element: ListElement, { localhostAllowed }: ListReading): string {
  const text = element.text().toLowerCase();
  if (text === 'localhost') {
    return localhostAllowed ? text : element.refuse('the host name "localhost" is for development only');
  }
  return hostNamePattern.test(text) ? text : element.refuse(`${excerpt(text)} is not a host name`);
}

/**
 * An absolute https URI without user info and fragment. The exception for `localhost` is for redirect URIs only, so
 * there is none here.
 * @throws ListRefused
 */
export function endpoint(element: ListElement): Endpoint {
  const uri = element.text();
  const url = uri.length <= endpointLengthMax && /^https:\/\/[\x21-\x7e]+$/i.test(uri) ? urlOf(uri) : undefined;
  if (!url || url.username || url.password || uri.includes('#') || uri.includes('\\')) {
    element.refuse(`${excerpt(uri)} is not an absolute https URI (without user info or fragment)`);
  }
  return { uri, host: url.hostname };
}

/** Without `URL.canParse` before it, which is as much work again. */
function urlOf(uri: string): URL | undefined {
  try {
    return new URL(uri);
  } catch {
    return undefined;
  }
}

/** An endpoint below which paths are added, so that a query cannot stand in it. @throws ListRefused */
export function baseEndpoint(element: ListElement): Endpoint {
  const base = endpoint(element);
  if (base.uri.includes('?')) element.refuse(`${excerpt(base.uri)} is a base URI and cannot hold a query`);
  return base;
}

/** A service id or interface version. What no scope can name is taken over all the same: it does no harm. @throws ListRefused */
export function identifier(element: ListElement): string {
  const text = element.text();
  if (text.length === 0 || text.length > identifierLengthMax) {
    element.refuse(`${excerpt(text)} is not an identifier of 1 to ${identifierLengthMax} characters`);
  }
  return text;
}

/** A name that people read, white space inside it made single. @throws ListRefused */
export function displayText(element: ListElement): string {
  const text = element.text().replace(/\s+/g, ' ');
  if (text.length === 0 || text.length > displayTextLengthMax) {
    element.refuse(`a text of 1 to ${displayTextLengthMax} characters is needed`);
  }
  return text;
}

/** Adds an entry under its key. @throws ListRefused when the key is there already */
export function addOnce<T>(entries: Map<string, T>, key: string, entry: T, element: ListElement): void {
  if (entries.has(key)) element.refuse(`${excerpt(key)} is listed twice`);
  entries.set(key, entry);
}
