export const rowOf = (status: string) => ({ status });
