import { useList } from './asking';
import type { MedmijList } from './items';
import { Age, Listed, Refresh, State, Title } from './parts';
import { duration, plain } from './words';

/** The MedMij lists in the process that answers: how old they are, and what was refused. */
export function Lists() {
  const list = useList<MedmijList>('api/lists');
  return (
    <>
      <Title aside={<Refresh again={list.again} />}>Lists</Title>
      <Listed
        list={list}
        none="No list is configured."
        caption="MedMij lists"
        keyOf={({ name }) => name}
        columns={[
          { title: 'List', cell: ({ name }) => <b>{plain(name)}</b> },
          { title: 'State', cell: ({ stale }) => <State of={stale ? 'stale' : 'fresh'} /> },
          { title: 'Age', isFigure: true, cell: ({ age_s }) => (age_s === null ? 'never loaded' : duration(age_s)) },
          { title: 'Number', isFigure: true, cell: ({ sequence }) => sequence ?? '-' },
          { title: 'Published', cell: ({ published_at }) => <Age at={published_at} /> },
          { title: 'Fetched', cell: ({ fetched_at }) => <Age at={fetched_at} /> },
          {
            title: 'Last refusal',
            cell: ({ last_refusal: refusal }) =>
              refusal === null ? (
                <span class="quiet">none</span>
              ) : (
                <>
                  <Age at={refusal.at} />: {refusal.reason}
                  {refusal.line !== null && ` (line ${refusal.line})`}
                </>
              ),
          },
        ]}
      />
    </>
  );
}
