import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Failure, get, type Page, withQuery } from './api';

/** One answer: undefined until it is there; asked again by `again`, and meanwhile the old one stays. */
export interface Asked<Body> {
  answer: Body | undefined;
  failure: Failure | undefined;
  again: () => Promise<void>;
}

export function useAnswer<Body>(path: string): Asked<Body> {
  const [state, setState] = useState<{ path: string; answer?: Body; failure?: Failure }>({ path });
  const current = useRef(path);
  current.current = path;
  const again = useCallback(async () => {
    const outcome = await answerOf<Body>(path);
    // Somebody may have gone on to another part meanwhile.
    if (current.current === path)
      setState((old) => ({ path, answer: old.path === path ? old.answer : undefined, ...outcome }));
  }, [path]);
  useEffect(() => void again(), [again]);
  return { answer: state.path === path ? state.answer : undefined, failure: state.failure, again };
}

/** A list of which more pages can be asked for. */
export interface AskedList<Item> {
  items: Item[] | undefined;
  failure: Failure | undefined;
  /** Undefined at the end. */
  more: (() => Promise<void>) | undefined;
  again: () => Promise<void>;
}

export function useList<Item>(path: string, query: Record<string, string | undefined> = {}): AskedList<Item> {
  const first = withQuery(path, query);
  const { answer, failure, again } = useAnswer<Page<Item>>(first);
  const [rest, setRest] = useState<{ of?: Page<Item>; pages: Page<Item>[]; failure?: Failure }>({ pages: [] });
  const pages = answer && rest.of === answer ? [answer, ...rest.pages] : answer ? [answer] : undefined;
  const next = pages?.at(-1)?.next;
  const more = async () => {
    const { answer: page, failure: missing } = await answerOf<Page<Item>>(withQuery(path, { ...query, after: next! }));
    const before = pages!.slice(1);
    setRest({ of: answer, pages: page ? [...before, page] : before, failure: missing });
  };
  return {
    items: pages?.flatMap(({ items }) => items),
    failure: failure ?? (rest.of === answer ? rest.failure : undefined),
    more: next ? more : undefined,
    again,
  };
}

async function answerOf<Body>(path: string): Promise<{ answer?: Body; failure?: Failure }> {
  try {
    return { answer: await get<Body>(path), failure: undefined };
  } catch (error) {
    if (error instanceof Failure) return { failure: error };
    throw error;
  }
}
