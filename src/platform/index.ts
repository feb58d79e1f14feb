export { Clock, systemClock } from './clock';
export { Database, isOutage, type Queries, sqlState } from './database';
export { groupBy } from './group-by';
export { createLogger, describeError, LOGGER, type Logger } from './logger';
export { migrate } from './migrations';
export { PlatformModule } from './platform.module';
export { type CheckResult, type CheckStatus, loopCheck, Readiness } from './readiness';
export { Signal } from './signal';
export { type LoopState, type StepOutcome, WorkLoop } from './work-loop';
