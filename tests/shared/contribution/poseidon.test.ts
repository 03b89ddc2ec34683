import { expect, it } from 'vitest';
import { hashElements } from '#shared/contribution/poseidon.ts';
import { misuseOf } from '#tests/support/refusal.ts';

it.each([
  // The first and last are test vectors of circomlibjs.
  [[1n, 2n], 7853200120776062878684798364095072458815029376092732009249414926327459813530n],
  [[1n, 2n, 3n], 6542985608222806190361240322586112750744169038454362455181422643027100751666n],
  [[1n, 2n, 3n, 4n], 18821383157269793795438455681495246036402687001665670618754263018637548127333n],
])('Poseidon of %s', (inputs, hash) => {
  expect(hashElements(...inputs)).toBe(hash);
});

it('has no other width', () => {
  expect(misuseOf(() => hashElements(1n))).toBe('internal');
  expect(misuseOf(() => hashElements(1n, 2n, 3n, 4n, 5n))).toBe('internal');
});
