import { sampleLists } from '../../dev/sample-lists'; // flagged

export const lists = sampleLists;
