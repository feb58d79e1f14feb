export const sampleLists = ['providers'];
