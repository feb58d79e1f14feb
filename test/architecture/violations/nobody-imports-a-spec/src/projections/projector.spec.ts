import { december } from './subscriptions.projection.spec'; // flagged

export const end = december;
