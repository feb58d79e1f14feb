import { eventDataSchemas } from './subscription.event-schemas';

/** A fact as the log holds it: the version of its form is part of its type. */
interface RecordedFact {
  type: string;
  data: object;
}

/** From one older type to the next newer one. Pure, and never taken out again: the log keeps what was recorded. */
export type Upcaster = (data: object) => RecordedFact;

/** By the older type. Every type there has been is still the present one. */
const upcasters: Readonly<Record<string, Upcaster>> = {};

/**
 * A fact in the form of today, made step by step from the one in which it was recorded; the same object when it is in it.
 * @throws Error for a type that nobody here knows
 */
export const upcast = upcastBy(upcasters);

/** The same with other steps, for the tests of the steps themselves. */
export function upcastBy(steps: Readonly<Record<string, Upcaster>>): (fact: RecordedFact) => RecordedFact {
  const stepFrom = new Map(Object.entries(steps));
  return (fact) => {
    let newest = fact;
    for (let step = stepFrom.get(newest.type); step; step = stepFrom.get(newest.type)) newest = step(newest.data);
    if (!Object.hasOwn(eventDataSchemas, newest.type))
      throw new Error(`The event type ${newest.type} is not known here.`);
    return newest;
  };
}
