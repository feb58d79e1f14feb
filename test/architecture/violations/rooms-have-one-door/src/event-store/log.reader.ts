export const readPage = () => [];
