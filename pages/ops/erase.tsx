import { useState } from 'preact/hooks';
import { Failure, post } from './api';
import { Title, Wrong } from './parts';
import { counted } from './words';

/** The word that has to be typed: what is erased stays erased. */
const confirmation = 'erase';

/** Erasing a person: by the random id, or as the issuer knows them, which is written down nowhere. */
export function Erase({ mayWrite }: { mayWrite: boolean }) {
  const [by, setBy] = useState<'person_id' | 'subject'>('person_id');
  const [person, setPerson] = useState('');
  const [why, setWhy] = useState('');
  const [typed, setTyped] = useState('');
  const [said, setSaid] = useState('');
  const [failure, setFailure] = useState<Failure>();
  const [isBusy, setBusy] = useState(false);
  const erase = async () => {
    setBusy(true);
    setFailure(undefined);
    setSaid('');
    try {
      const { person_id, ended } = await post<{ person_id: string; ended: number }>('api/persons/erase', {
        [by]: person.trim(),
        reason_text: why,
      });
      setSaid(`Nobody can say any more who ${person_id} was; ${counted(ended, 'subscription')} ended.`);
      setPerson('');
      setTyped('');
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Title>Erase a person</Title>
      <p>
        Running subscriptions end and their clients are told; who the person was is forgotten for good. The history
        stays, of a random id that nobody has.
      </p>
      {!mayWrite && <p class="quiet">You may look only.</p>}
      {mayWrite && (
        <form
          class="panel form"
          onSubmit={(event) => {
            event.preventDefault();
            void erase();
          }}
        >
          <label>
            The person is known by
            <select value={by} onChange={(event) => setBy(event.currentTarget.value as 'person_id' | 'subject')}>
              <option value="person_id">the random person id</option>
              <option value="subject">the subject of the issuer</option>
            </select>
          </label>
          <label class="wide">
            {by === 'person_id' ? 'Person id' : 'Subject'}
            <input
              type="text"
              required
              autocomplete="off"
              value={person}
              onInput={(event) => setPerson(event.currentTarget.value)}
            />
          </label>
          <label class="wide">
            Reason, for the audit trail, without naming the person
            <input
              type="text"
              required
              maxLength={500}
              autocomplete="off"
              value={why}
              onInput={(event) => setWhy(event.currentTarget.value)}
            />
          </label>
          <label>
            <span>
              Type <b>{confirmation}</b> to say that you are sure
            </span>
            <input
              type="text"
              required
              pattern={confirmation}
              autocomplete="off"
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
          <button type="submit" class="danger" disabled={isBusy}>
            Erase
          </button>
        </form>
      )}
      <Wrong failure={failure} />
      <p role="status">{said}</p>
    </>
  );
}
