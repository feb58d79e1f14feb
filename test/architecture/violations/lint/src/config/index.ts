export const readConfig = (variables: Record<string, string | undefined>) => ({ port: variables.PORT });
export const port = readConfig(process.env).port; // reported by no-restricted-syntax
