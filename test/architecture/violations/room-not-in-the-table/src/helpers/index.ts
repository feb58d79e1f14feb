export const convenient = true;
