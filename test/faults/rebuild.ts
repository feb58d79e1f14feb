import type { Fleet } from './fleet';
import type { Surroundings } from './surroundings';

const lookEveryMs = 250;

interface Projection {
  name: string;
  version: number;
  rebuild: { version: number } | null;
}

/** Has the view built anew from the whole log, by the operator's way; whether the new version came to be the live one. */
export async function rebuilt(world: Surroundings, fleet: Fleet, withinMs: number): Promise<boolean> {
  const headers = { authorization: `Bearer ${world.token}` };
  const ask = async <Body>(method: string, path: string): Promise<Body> => {
    const answer = await fetch(`${fleet.door()}/ops/api/projections${path}`, { method, headers });
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
    return (await answer.json()) as Body;
  };
  const { rebuild } = await ask<Projection>('POST', '/subscriptions/rebuild');
  const end = performance.now() + withinMs;
  while (performance.now() < end) {
    const { items } = await ask<{ items: Projection[] }>('GET', '');
    const live = items.find(({ name }) => name === 'subscriptions')!;
    if (rebuild && live.version === rebuild.version) return true;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
  return false;
}
