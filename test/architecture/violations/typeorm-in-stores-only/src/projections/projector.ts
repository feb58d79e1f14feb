import { type DataSource } from 'typeorm'; // flagged

export const project = (dataSource: DataSource) => dataSource.query('select 1');
