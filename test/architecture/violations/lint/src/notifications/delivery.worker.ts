export const startedAt = new Date(); // reported by no-restricted-syntax
export const startedAsText = Date(); // reported by no-restricted-syntax
export const dueAt = Date.now() + 1000; // reported by no-restricted-syntax
export const clock = { now: Date.now }; // reported by no-restricted-syntax

export const parsed = new Date(0);
export const jitter = () => Math.random();
export const elapsedMs = (sinceMs: number) => performance.now() - sinceMs;
