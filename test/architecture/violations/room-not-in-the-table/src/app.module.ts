import { convenient } from './helpers'; // flagged

export const imports = [convenient];
