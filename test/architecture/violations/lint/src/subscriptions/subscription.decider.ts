export const decideByTheClock = () => new Date(); // reported by no-restricted-syntax
export const decideByTheWatch = () => Date.now(); // reported by no-restricted-syntax
export const decideByTheStopwatch = () => performance.now(); // reported by no-restricted-syntax
export const decideByChance = () => Math.random(); // reported by no-restricted-syntax
export async function decideLater() {} // reported by no-restricted-syntax

export const december = new Date('2026-12-01T00:00:00Z');
export const midnightIn = (year: number) => Date.UTC(year, 0, 1);
