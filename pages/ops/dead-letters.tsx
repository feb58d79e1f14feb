import { post } from './api';
import { useList } from './asking';
import type { DeadLetter, ParkedStream } from './items';
import { Age, Listed, OrderButton, Refresh, Title } from './parts';
import { hrefOf } from './route';
import { count, plain } from './words';

/** Records from Kafka that were refused in the last seven days, without their content, which holds a subject. */
export function DeadLetters({ mayWrite }: { mayWrite: boolean }) {
  const list = useList<DeadLetter>('api/dead-letters');
  return (
    <>
      <Title aside={<Refresh again={list.again} />}>Dead letters</Title>
      <p class="quiet">Incoming records that were refused in the last seven days. A replay has one judged anew.</p>
      <Listed
        list={list}
        none="No incoming record was refused in the last seven days."
        caption="Refused incoming records, newest first"
        keyOf={({ dead_letter_id }) => dead_letter_id}
        columns={[
          { title: 'Reason', cell: ({ reason }) => <b>{plain(reason)}</b> },
          { title: 'Detail', cell: ({ detail }) => detail },
          {
            title: 'Record',
            cell: ({ topic, partition, offset }) => `${topic}, partition ${partition}, offset ${offset}`,
          },
          { title: 'Refused', cell: ({ created_at }) => <Age at={created_at} /> },
          { title: 'Replayed', cell: ({ replayed_at }) => <Age at={replayed_at} /> },
          {
            title: 'What to do',
            cell: ({ dead_letter_id: id, topic, partition, offset }) => (
              <OrderButton
                isAllowed={mayWrite}
                label={`Replay offset ${offset} of partition ${partition}`}
                order={{
                  verb: 'Replay',
                  question: <p>The record is put on {topic} again. Mend first what made it be refused.</p>,
                  carryOut: async () => {
                    await post(`api/dead-letters/${id}/replay`);
                    await list.again();
                    return 'It was sent.';
                  },
                }}
              />
            ),
          },
        ]}
      />
    </>
  );
}

/** Streams that a projection or the planner stumbled over; the rest of the log goes on without them. */
export function Parked({ mayWrite }: { mayWrite: boolean }) {
  const list = useList<ParkedStream>('api/parked');
  return (
    <>
      <Title aside={<Refresh again={list.again} />}>Parked streams</Title>
      <p class="quiet">A reader skips these from the event on that it could not apply. Everything else goes on.</p>
      <Listed
        list={list}
        none="No stream is parked."
        caption="Parked streams, newest first"
        keyOf={({ id }) => id}
        columns={[
          { title: 'Reader', cell: ({ reader }) => reader },
          {
            title: 'Stream',
            cell: ({ subscription_id: id, stream_id }) =>
              id === null ? (
                <span class="id">{stream_id}</span>
              ) : (
                <a class="id" href={hrefOf(['subscriptions', id])}>
                  {id}
                </a>
              ),
          },
          { title: 'From event', isFigure: true, cell: ({ version }) => count(version) },
          { title: 'Error', cell: ({ error }) => error },
          { title: 'Tries', isFigure: true, cell: ({ tries }) => count(tries) },
          { title: 'Parked', cell: ({ parked_at }) => <Age at={parked_at} /> },
          {
            title: 'What to do',
            cell: ({ id, stream_id, replay_asked_at }) =>
              replay_asked_at ? (
                <>
                  Replay asked <Age at={replay_asked_at} />
                </>
              ) : (
                <OrderButton
                  isAllowed={mayWrite}
                  label={`Replay stream ${stream_id.slice(0, 8)}`}
                  order={{
                    verb: 'Replay',
                    question: <p>The reader tries it again, from the event on at which it was parked.</p>,
                    carryOut: async () => {
                      await post(`api/parked/${id}/replay`);
                      await list.again();
                      return 'The reader will try it.';
                    },
                  }}
                />
              ),
          },
        ]}
      />
    </>
  );
}
