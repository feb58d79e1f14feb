import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Failure } from './api';
import type { AskedList } from './asking';
import { ago, moment, plain, toneOf } from './words';

/** A state by its name, with a sign and a colour besides: never by colour alone. */
export function State({ of: state }: { of: string }) {
  return <span class={`state ${toneOf(state)}`}>{plain(state)}</span>;
}

/** A moment as its age; the whole moment shows on hover and is read out. */
export function Age({ at }: { at: string | null }) {
  if (at === null) return <span class="quiet">never</span>;
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(at, Date.now())}
    </time>
  );
}

export function Moment({ at }: { at: string }) {
  return <time dateTime={at}>{moment(at)}</time>;
}

/** What went wrong, and the button that asks `again` where asking again changes nothing. */
export function Wrong({ failure, again }: { failure: Failure | undefined; again?: () => unknown }) {
  if (!failure) return null;
  return (
    <div class="wrong" role="alert">
      <p>
        {failure.message}
        {failure.correlationId && <small> Correlation id {failure.correlationId}.</small>}
      </p>
      {again && (
        <button type="button" class="small" onClick={() => void again()}>
          Try again
        </button>
      )}
    </div>
  );
}

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ComponentChildren;
  /** Figures stand to the right. */
  isFigure?: boolean;
}

/** A table; on a narrow screen each row is a block with its titles in it. Roles are said, for blocks would lose them. */
export function Table<Row>({
  caption,
  columns,
  rows,
  keyOf,
}: {
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
}) {
  return (
    <div class="rows">
      <table role="table">
        <caption class="unseen">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ title, isFigure }) => (
              <th key={title} role="columnheader" scope="col" class={isFigure ? 'figure' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={keyOf(row)} role="row">
              {columns.map(({ title, cell, isFigure }) => (
                <td key={title} role="cell" data-title={title} class={isFigure ? 'figure' : undefined}>
                  <span>{cell(row)}</span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A list out of the API: its rows, what is wrong, whether there are none, and more of them. */
export function Listed<Row>({
  list,
  none,
  ...table
}: {
  list: AskedList<Row>;
  none: string;
  caption: string;
  columns: Column<Row>[];
  keyOf: (row: Row) => string;
}) {
  const { items, failure, more, again } = list;
  return (
    <>
      <Wrong failure={failure} again={again} />
      {!items && !failure && <p class="quiet">Loading ...</p>}
      {items?.length === 0 && <p class="quiet">{more ? 'Nothing among those looked at so far.' : none}</p>}
      {items && items.length > 0 && <Table {...table} rows={items} />}
      {more && (
        <button type="button" onClick={() => void more()}>
          Show more
        </button>
      )}
    </>
  );
}

/** The heading of a part of the page: whoever comes here by keyboard or ear begins with it. */
export function Title({ children, aside }: { children: string; aside?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${children} - operations`;
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [children]);
  return (
    <header class="title">
      <h1 ref={heading} tabIndex={-1}>
        {children}
      </h1>
      {aside}
    </header>
  );
}

/** Asks again for what is shown; beside the heading. */
export function Refresh({ again }: { again: () => Promise<unknown> }) {
  const [isBusy, setBusy] = useState(false);
  const ask = async () => {
    setBusy(true);
    await again();
    setBusy(false);
  };
  return (
    <button type="button" class="small" disabled={isBusy} onClick={() => void ask()}>
      Refresh
    </button>
  );
}

export interface Order {
  /** On the button that opens the question, and on the one that answers it. */
  verb: string;
  /** What will happen, in a sentence or two. */
  question: ComponentChildren;
  /** Whether the operator has to say why; undefined without. */
  reason?: boolean;
  isDangerous?: boolean;
  /** Does it; what it gives back is said to the operator. */
  carryOut: (reason: string) => Promise<string>;
}

/** A button that asks before it does something, with a reason where one is kept. */
export function OrderButton({ order, isAllowed, label }: { order: Order; isAllowed: boolean; label?: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [isOpen, setOpen] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const [said, setSaid] = useState('');
  const [why, setWhy] = useState('');
  const id = useId();
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
  }, [isOpen]);
  if (!isAllowed) return null;
  const carryOut = async () => {
    setBusy(true);
    setFailure(undefined);
    try {
      setSaid(await order.carryOut(why));
      setOpen(false);
      setWhy('');
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <span class="order">
      <button type="button" aria-label={label} onClick={() => (setFailure(undefined), setSaid(''), setOpen(true))}>
        {order.verb}
      </button>
      <span role="status" class="said">
        {said}
      </span>
      {isOpen && (
        <dialog ref={dialog} aria-labelledby={`${id}-title`} onClose={() => setOpen(false)}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void carryOut();
            }}
          >
            <h2 id={`${id}-title`}>{label ?? order.verb}</h2>
            <div>{order.question}</div>
            {order.reason && (
              <label>
                Reason, for the audit trail
                <input
                  type="text"
                  required
                  maxLength={500}
                  autocomplete="off"
                  value={why}
                  onInput={(event) => setWhy(event.currentTarget.value)}
                />
              </label>
            )}
            <Wrong failure={failure} />
            <div class="buttons">
              <button type="submit" class={order.isDangerous ? 'danger' : 'first'} disabled={isBusy}>
                {order.verb}
              </button>
              <button type="button" onClick={() => dialog.current?.close()}>
                Cancel
              </button>
            </div>
          </form>
        </dialog>
      )}
    </span>
  );
}
