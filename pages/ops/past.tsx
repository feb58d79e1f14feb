import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { hrefOf } from './route';
import { fieldMoment, moment } from './words';

/** Says that what follows is over, and leads back. */
export function Past({ at, children, toNow }: { at: string; children: ComponentChildren; toNow: string }) {
  return (
    <p class="past">
      <b>The past.</b> {children} <time dateTime={at}>{moment(at)}</time>, by what had happened until then.{' '}
      <a href={toNow}>Back to now</a>
    </p>
  );
}

/** Asks for a moment that is over, in the time of the operator's machine. */
export function PastField({
  label,
  value,
  onInput,
  isRequired,
}: {
  label: string;
  /** As the field has it; empty for now. */
  value: string;
  onInput: (value: string) => void;
  isRequired?: boolean;
}) {
  return (
    <label class="moment">
      {label}
      <input
        type="datetime-local"
        step={1}
        min="1970-01-02T00:00:00"
        max={fieldMoment(new Date())}
        required={isRequired}
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </label>
  );
}

/** Leads to how one subscription stood at a moment. */
export function ToPast({ id, at }: { id: string; at?: string }) {
  const [wanted, setWanted] = useState(at ? fieldMoment(new Date(at)) : '');
  return (
    <form
      class="filters"
      aria-label="Look at a past moment"
      onSubmit={(event) => {
        event.preventDefault();
        location.hash = hrefOf(['subscriptions', id], { at: new Date(wanted).toISOString() });
      }}
    >
      <PastField label="How it stood at" value={wanted} onInput={setWanted} isRequired />
      <button type="submit">Look</button>
    </form>
  );
}
