export const given = (fact: unknown) => fact;
