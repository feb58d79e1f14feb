import type { Figures } from './items';
import { counted, duration, plain } from './words';

/** Something that wants somebody, and what to do about it. */
export interface Need {
  id: string;
  /** Now, in the middle of the night; or soon, on the next working day. */
  isUrgent: boolean;
  what: string;
  todo: string;
  to?: { name: string; path: string[]; query?: Record<string, string> };
}

/** A lag that lasts this long is no burst. */
const lagS = 60;
/** Two tries are left of the hour that a resource notification has. */
const waitsLongS = 50 * 60;

/** Everything that wants somebody, the urgent first (docs/operations.md says more about each). */
export function needsOf({
  log_held_by,
  amiss,
  relay,
  projections,
  clients,
  lists,
  parked_streams,
  deliveries,
}: Figures): Need[] {
  const needs: Need[] = [];
  if (log_held_by) {
    const { pid, prepared, database, application_name: application, age_s } = log_held_by;
    const who =
      prepared !== null
        ? `the prepared transaction ${prepared}`
        : pid !== null
          ? `session ${pid}${application ? ` (${application})` : ''}`
          : 'a transaction that cannot be seen';
    needs.push({
      id: 'held',
      isUrgent: true,
      what: `The log is held back by ${who}${database ? ` in database ${database}` : ''}, for ${duration(age_s)}.`,
      todo:
        prepared !== null
          ? 'Nothing new reaches Kafka, projections and clients until it is committed or rolled back in its database.'
          : 'Nothing new reaches Kafka, projections and clients until it ends. End it in PostgreSQL: pg_terminate_backend.',
    });
  }
  for (const { check, status, reason } of amiss) {
    needs.push({
      id: `check ${check}`,
      isUrgent: status === 'unavailable' || check === 'kafka' || check === 'database',
      what: `${plain(check)} is ${status}: ${reason ?? 'it gives no reason'}.`,
      todo: 'This process says so itself; its log says more.',
    });
  }
  if (relay.lag_s > lagS) {
    needs.push({
      id: 'relay',
      isUrgent: true,
      what: `The relay is ${counted(relay.lag_events, 'event')} behind, for ${duration(relay.lag_s)}.`,
      todo: 'Look whether Kafka is there, and whether a process with the role relay runs.',
    });
  }
  for (const [name, { lag_events, lag_s }] of Object.entries(projections)) {
    if (lag_s <= lagS) continue;
    needs.push({
      id: `projection ${name}`,
      isUrgent: true,
      what: `The projection ${name} is ${counted(lag_events, 'event')} behind, for ${duration(lag_s)}.`,
      todo: 'Look whether a process with the role projector runs.',
      to: { name: 'Projections', path: ['projections'] },
    });
  }
  for (const { client_id, at_risk, breaker, suspended_reason, oldest_undelivered_s } of clients) {
    const to = { name: client_id, path: ['clients', client_id] };
    if (suspended_reason === 'endpoint_identity') {
      needs.push({
        id: `suspended ${client_id}`,
        isUrgent: true,
        what: `${client_id} is suspended: its endpoint is not what it was.`,
        todo: 'Find out from the client whether that is right, then resume it: it is looked at again first.',
        to,
      });
    } else if (suspended_reason === 'endpoint_failing') {
      needs.push({
        id: `suspended ${client_id}`,
        isUrgent: true,
        what: `${client_id} is suspended: its endpoints did nothing but fail.`,
        todo: 'Find out from the client whether they are well again, then resume it: they are looked at first.',
        to,
      });
    } else if (suspended_reason !== null) {
      continue;
    } else if (at_risk > 0) {
      needs.push({
        id: `risk ${client_id}`,
        isUrgent: true,
        what: `${counted(at_risk, 'notification')} to ${client_id} may miss the hour.`,
        todo: 'Call the client; what is late goes on for a day and is dead then.',
        to,
      });
    } else if (breaker === 'open') {
      const isLong = (oldest_undelivered_s ?? 0) > waitsLongS;
      needs.push({
        id: `breaker ${client_id}`,
        isUrgent: isLong,
        what: `${client_id} cannot be reached${oldest_undelivered_s === null ? '' : `, its oldest notification waits for ${duration(oldest_undelivered_s)}`}.`,
        todo: 'It is tried again by itself.',
        to,
      });
    }
  }
  for (const { name, stale, age_s, last_refusal } of lists) {
    const to = { name: 'Lists', path: ['lists'] };
    if (stale) {
      needs.push({
        id: `stale ${name}`,
        isUrgent: true,
        what: `The list ${plain(name)} is stale${age_s === null ? ': it was never loaded' : `: ${duration(age_s)} old`}.`,
        todo: 'Nothing is sent and nothing begins on a stale list. Look whether its publisher can be reached.',
        to,
      });
    } else if (last_refusal) {
      needs.push({
        id: `refused ${name}`,
        isUrgent: false,
        what: `The last copy of the list ${plain(name)} was refused; the one before is in use.`,
        todo: 'Tell its publisher.',
        to,
      });
    }
  }
  if (parked_streams > 0) {
    needs.push({
      id: 'parked',
      isUrgent: false,
      what: `${counted(parked_streams, 'stream is', 'streams are')} parked: a reader stumbled over an event.`,
      todo: 'The rest goes on. Mend the fault, then replay:',
      to: { name: 'Parked streams', path: ['parked'] },
    });
  }
  if ((deliveries.dead ?? 0) > 0) {
    needs.push({
      id: 'dead',
      isUrgent: false,
      what: `${counted(deliveries.dead!, 'delivery is', 'deliveries are')} dead.`,
      todo: 'Find out why the client did not take them, then retry or replay:',
      to: { name: 'Dead deliveries', path: ['deliveries'], query: { state: 'dead' } },
    });
  }
  return needs.sort((one, other) => Number(other.isUrgent) - Number(one.isUrgent));
}
