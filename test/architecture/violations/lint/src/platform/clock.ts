export const systemClock = { now: () => new Date(Date.now()), started: new Date() };
export const offsetS = process.env.CLOCK_OFFSET_S; // reported by no-restricted-syntax
