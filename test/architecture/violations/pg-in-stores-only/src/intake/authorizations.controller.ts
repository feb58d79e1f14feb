import { Client } from 'pg'; // flagged

export const connect = () => new Client().connect();
