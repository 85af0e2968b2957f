/**
 * Writing the wire format of protocol buffers: a message is a list of fields, each a tag (number·8 + wire type) and a
 * value (https://protobuf.dev/programming-guides/encoding/).
 */

const varintType = 0;
const bytesType = 2;
const fixed32Type = 5;

const text = new TextEncoder();

/** A message under construction. Fields are written in the order of the calls. */
export class Message {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  #put(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  #tag(field: number, type: number): void {
    this.#put(varint(field * 8 + type));
  }

  /** A whole number; a negative one takes ten bytes, as two's complement of 64 bits. */
  integer(field: number, value: number | bigint): this {
    this.#tag(field, varintType);
    this.#put(varint(value));
    return this;
  }

  /** Several whole numbers, one field each. */
  integers(field: number, values: readonly (number | bigint)[]): this {
    for (const value of values) this.integer(field, value);
    return this;
  }

  /** A number of 32 bits. */
  float(field: number, value: number): this {
    this.#tag(field, fixed32Type);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#put(bytes);
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, bytesType);
    this.#put(varint(value.length));
    this.#put(value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, text.encode(value));
  }

  message(field: number, value: Message): this {
    this.#tag(field, bytesType);
    this.#put(varint(value.#length));
    for (const piece of value.#pieces) this.#put(piece);
    return this;
  }

  encode(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }
}

/** Seven bits a byte, the lowest first; all bytes but the last have their highest bit set. */
export function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
