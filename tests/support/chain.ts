import { type Binary, MongoClient, type Document } from 'mongodb';
import { consensusHash, readConsensus } from '#shared/directory/consensus.ts';
import type { Millis } from '#shared/units.ts';

export type ChainedConsensus = {
  sequence: number;
  fence: number;
  time: Millis;
  hash: Uint8Array;
  previous: Uint8Array;
};

/** Every consensus in the archive at this URL, oldest first, each verified. */
export const chainOf = async (url: string): Promise<ChainedConsensus[]> => {
  const client = new MongoClient(url);
  try {
    const found = await client
      .db()
      .collection<Document & { _id: number }>('consensus')
      .find()
      .sort({ _id: 1 })
      .toArray();
    return found.map((document) => {
      const bytes = new Uint8Array((document['bytes'] as Binary).buffer);
      const { sequence, time, previous } = readConsensus(bytes).verify({});
      return { sequence, fence: document['fence'] as number, time, hash: consensusHash(bytes), previous };
    });
  } finally {
    await client.close();
  }
};
