/** Longest piece of a list that is repeated in a reason: enough to find the entry, never a page of it. */
const excerptLengthMax = 80;

/** A list document that is not taken over (domain.md 9): where it is wrong (1-based line, null when unknown) and why. */
export class ListRefused extends Error {
  constructor(
    readonly line: number | null,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(line === null ? reason : `line ${line}: ${reason}`, options);
    this.name = 'ListRefused';
  }
}

/** A quoted piece of a list, safe for a log line and a page: printable ASCII only and cut off. */
export function excerpt(text: string): string {
  const printable = text.slice(0, excerptLengthMax).replace(/[^\x20-\x7e]/g, '?');
  return `"${printable}${text.length > excerptLengthMax ? '...' : ''}"`;
}
