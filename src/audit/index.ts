/** Who did what, when and why: lines by request and conversation, kept by month, and the record of what was destroyed. */
export type { AuditLine } from './audit-line';
export { AuditLineStore } from './audit-line.store';
export { AuditModule } from './audit.module';
export { AuditPages, type AuditPlace, auditSources, type ListedLine } from './audit-pages';
export {
  type AuditSource,
  type AuditView,
  pageOfLines,
  placeColumns,
  type SourcePlace,
  type TracedIds,
} from './audit-source';
export { AuditTrail } from './audit-trail';
export { type Destruction, DestructionRecords } from './destruction-records.store';
export { keptByMonth, keptSince } from './kept-by-month';
