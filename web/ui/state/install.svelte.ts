/** What a browser offers that can install this site as an app. */
type Offer = Event & { prompt(): Promise<unknown> };

let offer = $state.raw<Offer | null>(null);
let installed = $state.raw(matchMedia('(display-mode: standalone)').matches);

addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault();
  offer = event as Offer;
});
addEventListener('appinstalled', () => {
  installed = true;
  offer = null;
});

export const install = {
  /** `none`: this browser offers nothing of the kind. */
  get state(): 'installed' | 'offered' | 'none' {
    return installed ? 'installed' : offer ? 'offered' : 'none';
  },
  /** Shows the browser's own question. It can be shown once. */
  async ask(): Promise<void> {
    const asked = offer;
    offer = null;
    await asked?.prompt();
  },
};
