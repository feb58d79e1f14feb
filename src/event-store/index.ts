/** The log: append to streams, read streams, follow all of it in order. */
export { ArchiveMonths, type DestroyedEvent } from './archive-months.store';
export { ArchiveStore, type ClosedStream } from './archive.store';
export { CheckpointStore, LeaseLost } from './checkpoint.store';
export { EpochRefused, EpochStore } from './epoch.store';
export { EventAudit } from './event-audit.store';
export { type AppendRequest, EventStore, type IdentityRow } from './event.store';
export { EventStoreModule } from './event-store.module';
export { type FactForms, upcastBy, type Upcaster } from './fact-forms';
export { HeldLease } from './held-lease';
export { LogAccess, LogFollower } from './log-follower';
export { type Lag, LogReader } from './log.reader';
export { type LogHold, LogWatch } from './log-watch';
export { type ParkedStream, ParkedStreamStore } from './parked-streams.store';
export { lockPersons } from './person-lock.store';
export {
  type Fact,
  inNewestForm,
  isPositionText,
  type Position,
  positionText,
  startOfLog,
  type StoredEvent,
  type Trace,
  type Upcast,
} from './stored-event';
export { StreamHistories } from './stream-histories.store';
export { streamIdOf } from './stream-id';
export { type ReadResult, type StoredCommand, type StreamTarget } from './stream-read.store';
