/** Who did what, when and why: lines by request and conversation, kept by month, and the record of what was destroyed. */
export type { AuditLine } from './audit-line';
export { AuditModule } from './audit.module';
export { AuditTrail } from './audit-trail';
export { type Destruction, DestructionRecords } from './destruction-records.store';
