/** The HTTP edge: what every request passes before it reaches a room, and what every error looks like. */
export { apiQuery, apiSchema, problemResponses } from './api-schema';
export { BearerGuard, RequireScope, type TokenScope } from './bearer.guard';
export { HttpModule } from './http.module';
export { isAtMachineDoor } from './machine-doors';
export { OPERATOR_SESSIONS, type Operator, type OperatorSessions } from './operator-sessions';
export { expectNothing, parse } from './parse';
export { type AnswerInPage, bearerChallenge } from './problem.filter';
export { moment, personFields, printable } from './request-fields';
export { traceOf } from './request-ids';
export { type RefusalForm, RouteIs } from './route-kind';
export { RequestWatch } from './request-watch';
export { createHttpEdge } from './server';
