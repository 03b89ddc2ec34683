import type { Shared } from './messages.ts';

/** Where the manifest has other apps send what is shared with this one. */
export const SHARE = '/share';

/** In memory alone, for the page that is about to open: nothing of it is stored unsealed. */
let held: Shared | null = null;

/** The page opens and is told where to look. Shared content never reaches the server. */
export const receive = async (request: Request): Promise<Response> => {
  const form = await request.formData();
  const words = ['title', 'text', 'url']
    .map((name) => form.get(name))
    .flatMap((value) => (typeof value === 'string' && value !== '' ? [value] : []));
  const files = form.getAll('files').filter((each) => each instanceof File);
  held = { text: [...new Set(words)].join('\n'), files };
  return Response.redirect('/#/share', 303);
};

export const take = (): Shared | null => {
  const taken = held;
  held = null;
  return taken;
};
