import { type Client } from 'pg';

export const readPage = (client: Client) => client.query('select 1');
