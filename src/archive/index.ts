/** WHAT IS OVER: closed streams leave the log's own table, and are destroyed when they have been kept for their time. */
export { ArchiveModule } from './archive.module';
