/** Operators one can be in development, by what each may do; the last one is known at the issuer and no operator of ours. */
export const sampleOperators = [
  { subject: 'olga', name: 'Olga', scope: 'ops:read ops:write', may: 'Sees and does everything' },
  { subject: 'rik', name: 'Rik', scope: 'ops:read', may: 'Sees everything, changes nothing' },
  { subject: 'visitor', name: 'Visitor', scope: undefined, may: 'Is no operator, and is sent away' },
] as const;

export function sampleOperator(subject: string) {
  return sampleOperators.find((operator) => operator.subject === subject);
}
