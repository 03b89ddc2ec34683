import { readFileSync } from 'node:fs';
import { wtns } from 'snarkjs';
import { FIELD_ORDER } from '#shared/contribution/field.ts';

/** Reads what circom and snarkjs write, so that a test can ask which constraints a witness breaks. */
type Combination = readonly (readonly [wire: number, factor: bigint])[];
export type Constraint = readonly [a: Combination, b: Combination, c: Combination];

/** A value for each wire; wire 0 is 1. */
export type Witness = readonly bigint[];

const ELEMENT = 32;
const SECTION_HEADER = 12;

const littleEndian = (bytes: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(bytes).reverse().toString('hex') || '0'}`);

/** The sections of a file in iden3's binary format: magic (4), version (4), count (4), then type (4), length (8), bytes. */
const sectionsOf = (file: Uint8Array): Map<number, Buffer> => {
  const buffer = Buffer.from(file);
  const sections = new Map<number, Buffer>();
  for (let at = SECTION_HEADER; at < buffer.length;) {
    const length = Number(buffer.readBigUInt64LE(at + 4));
    sections.set(buffer.readUInt32LE(at), buffer.subarray(at + SECTION_HEADER, at + SECTION_HEADER + length));
    at += SECTION_HEADER + length;
  }
  return sections;
};

export const readConstraints = (path: string): Constraint[] => {
  const bytes = sectionsOf(readFileSync(path)).get(2) as Buffer;
  let at = 0;
  const combination = (): Combination => {
    const terms = Array.from({ length: bytes.readUInt32LE(at) }, (_, term) => {
      const start = at + 4 + term * (4 + ELEMENT);
      const factor = littleEndian(bytes.subarray(start + 4, start + 4 + ELEMENT));
      return [bytes.readUInt32LE(start), factor] as const;
    });
    at += 4 + terms.length * (4 + ELEMENT);
    return terms;
  };
  const constraints: Constraint[] = [];
  while (at < bytes.length) constraints.push([combination(), combination(), combination()]);
  return constraints;
};

/** The wire of each signal that has one. A component without a name is known by its template and line. */
export const readWires = (path: string): Map<string, number> =>
  new Map(
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(','))
      .filter(([, wire]) => wire !== '-1')
      .map(([, wire, , name = '']) => [name.replaceAll(/(_\d+)_\d+/g, '$1'), Number(wire)]),
  );

/** Throws where the calculator itself refuses the inputs. */
export const witnessOf = async (inputs: object, wasm: string | Uint8Array): Promise<Witness> => {
  const file: { type: 'mem'; data?: Uint8Array } = { type: 'mem' };
  await wtns.calculate(inputs as Parameters<typeof wtns.calculate>[0], wasm, file);
  const values = sectionsOf(file.data as Uint8Array).get(2) as Buffer;
  return Array.from({ length: values.length / ELEMENT }, (_, wire) =>
    littleEndian(values.subarray(wire * ELEMENT, (wire + 1) * ELEMENT)),
  );
};

/** The constraints that a witness does not satisfy. */
export const broken = (constraints: readonly Constraint[], witness: Witness): Constraint[] => {
  const value = (terms: Combination): bigint =>
    terms.reduce((sum, [wire, factor]) => sum + factor * (witness[wire] as bigint), 0n) % FIELD_ORDER;
  return constraints.filter(([a, b, c]) => (value(a) * value(b) - value(c)) % FIELD_ORDER !== 0n);
};

export const wiresOf = (constraint: Constraint): number[] =>
  constraint.flatMap((combination) => combination.map(([wire]) => wire));
