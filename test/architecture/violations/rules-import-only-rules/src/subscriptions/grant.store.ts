export const latestEnd = '2027-01-01';
