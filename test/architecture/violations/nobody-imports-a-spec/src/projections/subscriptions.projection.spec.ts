export const december = '2026-12-01';
