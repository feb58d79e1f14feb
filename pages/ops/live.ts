import { useEffect, useState } from 'preact/hooks';
import { get } from './api';
import { joined, withPoint } from './history';
import type { Figures, Point } from './items';

/** Figures older than this are not called live any more. */
const lateMs = 10_000;

export interface Live {
  figures: Figures | undefined;
  points: Point[];
  /** False while the service is not heard. */
  isHeard: boolean;
}

/** Listens to the service for as long as somebody is signed in; the browser connects again by itself. */
export function useLive(isOn: boolean): Live {
  const [live, setLive] = useState<Live>({ figures: undefined, points: [], isHeard: true });
  useEffect(() => {
    if (!isOn) return;
    let heardAtMs = performance.now();
    let source: EventSource;
    const listen = () => {
      source = new EventSource('api/stream');
      source.addEventListener('history', ({ data }) => {
        const history = JSON.parse(data as string) as Point[];
        setLive((old) => ({ ...old, points: joined(old.points, history) }));
      });
      source.addEventListener('message', ({ data }) => {
        heardAtMs = performance.now();
        const figures = JSON.parse(data as string) as Figures;
        setLive(({ points }) => ({ figures, points: withPoint(points, figures.now), isHeard: true }));
      });
    };
    listen();
    const watch = setInterval(() => {
      if (performance.now() - heardAtMs > lateMs) setLive((old) => ({ ...old, isHeard: false }));
      if (source.readyState !== EventSource.CLOSED) return;
      // Turned away (a restart, too many listeners): the browser does not come back by itself from that. It does not say why
      // either; when the session is over, this question is answered so, and the page is told (api.ts).
      get('session').catch(() => undefined);
      listen();
    }, 3_000);
    return () => {
      clearInterval(watch);
      source.close();
    };
  }, [isOn]);
  return live;
}
