import type { Fact, Upcast } from './stored-event';

/** From one older type to the next newer one. Pure, and never taken out again: the log keeps what was recorded. */
export type Upcaster = (data: object) => Fact;

/** The facts that one room records: their types of today, and the steps from every older type there has been. */
export interface FactForms {
  types: readonly string[];
  upcasters: Readonly<Record<string, Upcaster>>;
}

/**
 * Reads a log that holds the facts of these rooms. A fact comes in the form of today, made step by step from the one in which it
 * was recorded; the same object when it is in it. It throws for a type that nobody here knows.
 */
export function upcastBy(...forms: readonly FactForms[]): Upcast {
  const types = new Set(forms.flatMap((form) => form.types));
  const stepFrom = new Map(forms.flatMap(({ upcasters }) => Object.entries(upcasters)));
  return (fact) => {
    let newest = fact;
    for (let step = stepFrom.get(newest.type); step; step = stepFrom.get(newest.type)) newest = step(newest.data);
    if (!types.has(newest.type)) throw new Error(`The event type ${newest.type} is not known here.`);
    return newest;
  };
}
