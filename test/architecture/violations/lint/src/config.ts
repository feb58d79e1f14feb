export const readConfig = (variables = process.env) => ({ port: variables.PORT, readAt: new Date(0) });
export const readAt = new Date(); // reported by no-restricted-syntax
