import type { Dictionary } from '../dictionary.ts';
import { app } from './app.ts';
import { helping } from './helping.ts';
import { keeping } from './keeping.ts';
import { live } from './live.ts';
import { main } from './main.ts';
import { people } from './people.ts';
import { reasons } from './reasons.ts';
import { thread } from './thread.ts';

/** Everything in Modern Standard Arabic, whose numbers take six plurals. */
export const ar = {
  ...main,
  ...helping,
  ...thread,
  ...people,
  ...keeping,
  ...reasons,
  ...app,
  ...live,
} satisfies Dictionary<'zero' | 'one' | 'two' | 'few' | 'many'>;
