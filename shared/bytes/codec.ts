import { LocalError, RemoteError } from '../errors.ts';
import { text as toText, untext } from './bytes.ts';
import { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/**
 * A canonical, bounded, big-endian layout of a value. Every message longer than a cell's own fields is declared with
 * these combinators, so that one property test covers them all: what decodes encodes back to the same bytes, and
 * what does not decode throws `malformed` or `oversized`.
 */
export type Codec<T> = { write(writer: Writer, value: T): void; read(reader: Reader): T };

export type Value<C> = C extends Codec<infer T> ? T : never;

export const encode = <T>(codec: Codec<T>, value: T): Uint8Array => {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.finish();
};

/** Takes all of `bytes` or throws `malformed`. */
export const decode = <T>(codec: Codec<T>, bytes: Uint8Array): T => {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  reader.end();
  return value;
};

export const u8: Codec<number> = { write: (w, v) => void w.u8(v), read: (r) => r.u8() };
export const u16: Codec<number> = { write: (w, v) => void w.u16(v), read: (r) => r.u16() };
export const u32: Codec<number> = { write: (w, v) => void w.u32(v), read: (r) => r.u32() };
/** 8 bytes, at most 2^53 − 1. */
export const u64: Codec<number> = { write: (w, v) => void w.u64(v), read: (r) => r.u64() };

/** 1 byte, 0 or 1. */
export const bool: Codec<boolean> = {
  write: (w, v) => void w.u8(v ? 1 : 0),
  read(r) {
    const value = r.u8();
    if (value > 1) throw new RemoteError('malformed', 'a boolean above 1');
    return value === 1;
  },
};

/** Exactly `length` bytes. */
export const fixed = (length: number): Codec<Uint8Array> => ({
  write(w, v) {
    if (v.length !== length) throw new LocalError('internal', `${String(length)} bytes were due`);
    w.bytes(v);
  },
  read: (r) => r.take(length),
});

const lengthCodec = (max: number): Codec<number> => (max > 0xffff ? u32 : u16);

const bounded = (length: number, max: number): number => {
  if (length > max) throw new RemoteError('oversized', `at most ${String(max)} are taken`);
  return length;
};

/** length (2, or 4 when `max` > 65,535) ‖ bytes. */
export const bytes = (max: number): Codec<Uint8Array> => ({
  write(w, v) {
    if (v.length > max) throw new LocalError('oversized', `at most ${String(max)} bytes can be sent`);
    lengthCodec(max).write(w, v.length);
    w.bytes(v);
  },
  read: (r) => r.take(bounded(lengthCodec(max).read(r), max)),
});

/** UTF-8 behind its length in bytes, of which `max` are the most. */
export const text = (max: number): Codec<string> => {
  const codec = bytes(max);
  return { write: (w, v) => codec.write(w, toText(v)), read: (r) => untext(codec.read(r)) };
};

/** count (2, or 4 when `max` > 65,535) ‖ items. */
export const list = <T>(item: Codec<T>, max: number): Codec<T[]> => ({
  write(w, v) {
    if (v.length > max) throw new LocalError('too-many', `at most ${String(max)} can be sent`);
    lengthCodec(max).write(w, v.length);
    for (const each of v) item.write(w, each);
  },
  read(r) {
    const items: T[] = [];
    for (let left = bounded(lengthCodec(max).read(r), max); left > 0; left--) items.push(item.read(r));
    return items;
  },
});

/** present (1) ‖ value. */
export const optional = <T>(codec: Codec<T>): Codec<T | undefined> => ({
  write(w, v) {
    bool.write(w, v !== undefined);
    if (v !== undefined) codec.write(w, v);
  },
  read: (r) => (bool.read(r) ? codec.read(r) : undefined),
});

/** One byte that stands for one of `names`, by its place. */
export const choice = <const N extends readonly string[]>(names: N): Codec<N[number]> => ({
  write: (w, v) => void w.u8(names.indexOf(v)),
  read(r) {
    const name = names[r.u8()];
    if (name === undefined) throw new RemoteError('malformed', 'an unknown choice');
    return name;
  },
});

/** A value through another layout: `to` may throw `malformed`. */
export const mapped = <A, B>(codec: Codec<A>, to: (a: A) => B, from: (b: B) => A): Codec<B> => ({
  write: (w, v) => codec.write(w, from(v)),
  read: (r) => to(codec.read(r)),
});

type Struct<S extends Record<string, unknown>> = { [K in keyof S]: Value<S[K]> };

/** The fields in the order in which they are declared. */
export const struct = <S extends Record<string, unknown>>(
  fields: S & { [K in keyof S]: Codec<Value<S[K]>> },
): Codec<Struct<S>> => {
  const entries = Object.entries(fields) as [keyof S, Codec<Value<S[keyof S]>>][];
  return {
    write(w, v) {
      for (const [name, codec] of entries) codec.write(w, v[name]);
    },
    read(r) {
      const value: Partial<Struct<S>> = {};
      for (const [name, codec] of entries) value[name] = codec.read(r);
      return value as Struct<S>;
    },
  };
};

type Variants<V extends Record<string, readonly [number, unknown]>> = {
  [K in keyof V]: { type: K } & Value<V[K][1]>;
}[keyof V];

/** tag (1) ‖ the fields of the variant with that tag; the value is those fields and the variant's name as `type`. */
export const union = <V extends Record<string, readonly [number, unknown]>>(
  variants: V,
): Codec<Variants<V>> => {
  const entries = Object.entries(variants) as [string, readonly [number, Codec<object>]][];
  const byTag = new Map(entries.map(([name, [tag, codec]]) => [tag, { name, codec }]));
  return {
    write(w, v) {
      const [tag, codec] = variants[v.type] as unknown as readonly [number, Codec<object>];
      w.u8(tag);
      codec.write(w, v);
    },
    read(r) {
      const found = byTag.get(r.u8());
      if (!found) throw new RemoteError('malformed', 'an unknown kind');
      return { type: found.name, ...found.codec.read(r) } as unknown as Variants<V>;
    },
  };
};
