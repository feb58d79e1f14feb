export const save = (status: number) => status < 300;
