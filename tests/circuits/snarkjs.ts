import * as snarkjs from 'snarkjs';

/** What tests use of snarkjs beside what circuits/ does. */
export const { groth16 } = snarkjs;

const { getCurveFromName } = (
  snarkjs as unknown as {
    curves: { getCurveFromName(name: string): Promise<{ terminate(): Promise<void> }> };
  }
).curves;

/** Ends the threads that `groth16.verify` leaves. */
export const curves = { terminate: async () => (await getCurveFromName('bn128')).terminate() };
