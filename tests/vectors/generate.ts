import { writeFileSync } from 'node:fs';
import { locate, render, vectorFiles } from '#tests/vectors/files.ts';

/** `npm run vectors`: writes every file of vectors anew. A test compares what is committed. */
for (const { file, make } of vectorFiles) writeFileSync(locate(file), render(make()));
