import * as snarkjs from 'snarkjs';

/** What tests use of snarkjs beside what circuits/ does. */
export const { groth16 } = snarkjs;

type Curve = { terminate(): Promise<void> };

const { getCurveFromName } = (
  snarkjs as unknown as { curves: { getCurveFromName(name: string): Promise<Curve> } }
).curves;

let end: (() => Promise<void>) | undefined;

export const curves = {
  /** From now on the curve and its threads stay, instead of being made anew for each step of a setup. */
  keep: async (): Promise<void> => {
    const curve = await getCurveFromName('bn128');
    end = curve.terminate.bind(curve);
    curve.terminate = async () => undefined;
  },
  /** Ends the threads that `keep` or `groth16.verify` leaves. */
  terminate: async (): Promise<void> => {
    if (end) return end();
    await (await getCurveFromName('bn128')).terminate();
  },
};
