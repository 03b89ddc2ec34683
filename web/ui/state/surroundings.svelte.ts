import type { ClientApi } from '#web/api.ts';
import type { Surroundings } from '#web/api-helping.ts';

/** As far as a browser has them. */
type Battery = EventTarget & { charging: boolean };
type Connection = EventTarget & { type?: string; saveData?: boolean };
type Telling = { getBattery?: () => Promise<Battery>; connection?: Connection };

let battery = $state.raw<Surroundings['battery']>(null);
let metered = $state.raw<Surroundings['metered']>(null);

/** Null: this browser does not tell. */
export const surroundings = {
  get battery(): Surroundings['battery'] {
    return battery;
  },
  get metered(): Surroundings['metered'] {
    return metered;
  },
};

const meteredBy = ({ type, saveData }: Connection): Surroundings['metered'] =>
  type === undefined && saveData === undefined ? null : type === 'cellular' || saveData === true;

/** Tells the core what it cannot know of the device, now and at each change. Returns what ends it. */
export function tellSurroundings(client: Pick<ClientApi, 'setSurroundings'>): () => void {
  const { getBattery, connection } = navigator as Telling;
  const ending = new AbortController();
  const { signal } = ending;
  const tell = (): void => {
    if (signal.aborted) return;
    metered = connection ? meteredBy(connection) : null;
    const visible = document.visibilityState === 'visible';
    client.setSurroundings({ battery, metered, visible }).catch(() => undefined);
  };
  document.addEventListener('visibilitychange', tell, { signal });
  connection?.addEventListener('change', tell, { signal });
  getBattery?.call(navigator).then(
    (found) => {
      const look = (): void => {
        battery = !found.charging;
        tell();
      };
      found.addEventListener('chargingchange', look, { signal });
      look();
    },
    () => undefined,
  );
  tell();
  return () => ending.abort();
}
