export const startEverything = () => true;
