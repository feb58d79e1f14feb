export const imports = ['health'];
