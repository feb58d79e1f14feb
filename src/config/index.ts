export { type Config, logName } from './config';
export { developmentClientSecret, developmentOperatorSignIn, developmentSignIn } from './development';
export type { Role } from './environment';
export { ConfigError, readConfig, readDatabaseUrl, readOpsAccess } from './read-config';
