import { findMongo } from '#tests/support/mongo-program.ts';

/** Before all tests: what takes minutes to build is built here, where no test waits for it. */
export const setup = (): void => {
  findMongo();
};
