import { imports } from '../app.module'; // flagged

export const rooms = imports.length;
