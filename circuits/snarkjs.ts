import * as snarkjs from 'snarkjs';

/** What a setup uses of snarkjs, which its own declarations leave out or have otherwise. Paths of files, all of them. */
type Logger = Record<'info' | 'error' | 'warn' | 'debug', (line: string) => void>;
type Curve = { terminate(): Promise<void> };

type Setup = {
  readonly curves: { getCurveFromName(name: 'bn128'): Promise<Curve> };
  readonly powersOfTau: {
    newAccumulator(curve: Curve, power: number, to: string): Promise<unknown>;
    /** The contribution's hash. */
    contribute(from: string, to: string, name: string, entropy: string): Promise<unknown>;
    /** The same, or false where it refuses. */
    beacon(from: string, to: string, name: string, value: string, exponent: number): Promise<unknown>;
    preparePhase2(from: string, to: string): Promise<unknown>;
    verify(path: string, logger: Logger): Promise<boolean>;
  };
  readonly zKey: {
    /** −1 where it refuses. */
    newZKey(r1cs: string, powers: string, to: string): Promise<unknown>;
    contribute(from: string, to: string, name: string, entropy: string): Promise<unknown>;
    beacon(from: string, to: string, name: string, value: string, exponent: number): Promise<unknown>;
    verifyFromR1cs(r1cs: string, powers: string, path: string, logger: Logger): Promise<boolean>;
    exportVerificationKey(path: string): Promise<unknown>;
  };
};

const setup = snarkjs as unknown as Setup;

export const { powersOfTau, zKey } = setup;

/** snarkjs keeps threads for its curve: unless they end, a process does not. */
export const withCurve = async <T>(work: (curve: Curve) => Promise<T>): Promise<T> => {
  const curve = await setup.curves.getCurveFromName('bn128');
  try {
    return await work(curve);
  } finally {
    await curve.terminate();
  }
};
