import { type DataSource } from 'typeorm';

export const everything = (dataSource: DataSource) => dataSource.query('select 1');
