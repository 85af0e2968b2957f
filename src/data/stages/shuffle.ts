/** Random orders that a key decides. */
import type { Tensor } from '../../core/tensor.ts';
import type { Json } from '../../io/json.ts';
import { permutation } from '../../random/choice.ts';
import { bits, foldIn } from '../../random/key.ts';
import { type Cursor, done, fieldsOf, type OrderOf, otherState, type Stage } from './cursor.ts';

/** Every order of n elements alike, another one for each epoch. */
export const wholeOrder =
  (key: Tensor, n: number): OrderOf =>
  epoch =>
    n === 0 ? new Int32Array(0) : (permutation(foldIn(key, epoch), n).dataSync() as Int32Array);

/** The places that are drawn: a function of their number alone, so that any of them can be drawn again. */
function drawer(key: Tensor): (draw: number, below: number) => number {
  const blockSize = 1024;
  let block = -1;
  let words: ArrayLike<number> = [];
  return (draw, below) => {
    const wanted = Math.floor(draw / blockSize);
    if (wanted !== block) {
      words = bits(foldIn(key, wanted), [blockSize]).dataSync();
      block = wanted;
    }
    return Math.floor((words[draw % blockSize] / 4294967296) * below);
  };
}

/** From where the elements that are in a buffer can be pulled again. */
interface Mark {
  /** How many elements had been pulled. */
  readonly pulled: number;
  readonly state: Json;
}

/**
 * Elements drawn from a buffer of `size`, into which the next one comes for each that goes out.
 *
 * Its state has no elements in it. Which of the pulled elements are in the buffer follows from how many were pulled and
 * how many given; resuming pulls those since the oldest one again.
 */
export function bufferStage<T>(upstream: Stage<T>, size: number, key: Tensor): Stage<T> {
  return {
    length: upstream.length,
    start(epoch, state): Cursor<T> {
      let given = 0;
      let pulled = 0;
      let mark: Mark | undefined;
      if (state !== undefined) {
        const at = fieldsOf('a shuffle', state, ['given', 'pulled', 'from']);
        if (at.from > at.pulled || at.given > at.pulled) throw otherState('a shuffle', state);
        ({ given, pulled } = at);
        mark = { pulled: at.from, state: at.upstream };
      }
      return new Buffered(
        upstream.start(epoch, mark?.state),
        size,
        drawer(foldIn(key, epoch)),
        given,
        pulled,
        mark,
      );
    },
  };
}

class Buffered<T> implements Cursor<T> {
  readonly #upstream: Cursor<T>;
  readonly #size: number;
  readonly #draw: (draw: number, below: number) => number;
  /** The elements, and which of the pulled ones each is. */
  readonly #buffer: T[] = [];
  #numbers: number[] = [];
  /** The place that the last one given left empty. */
  #hole = -1;
  #given: number;
  #pulled: number;
  #ended = false;
  #ready = false;
  /** The first is before the oldest element in the buffer; one for each `size` elements. */
  readonly #marks: Mark[];

  constructor(
    upstream: Cursor<T>,
    size: number,
    draw: (draw: number, below: number) => number,
    given: number,
    pulled: number,
    mark: Mark = { pulled: 0, state: upstream.state() },
  ) {
    this.#upstream = upstream;
    this.#size = size;
    this.#draw = draw;
    this.#given = given;
    this.#pulled = pulled;
    this.#marks = [mark];
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (!this.#ready) await this.#restore();
    this.#ready = true;
    while (this.#buffer.length < this.#size && this.#hole < 0 && (await this.#pull(this.#buffer.length)));
    if (this.#hole >= 0) {
      if (!(await this.#pull(this.#hole))) this.#shrink();
      this.#hole = -1;
    }
    if (this.#buffer.length === 0) return done;
    const place = this.#draw(this.#given, this.#buffer.length);
    const value = this.#buffer[place];
    this.#hole = place;
    this.#given++;
    return { done: false, value };
  }

  state(): Json {
    const [{ pulled, state }] = this.#marks;
    return { given: this.#given, pulled: this.#pulled, from: pulled, upstream: state };
  }

  close(): Promise<void> {
    return this.#upstream.close();
  }

  /** Puts the next element into a place. False at the end. */
  async #pull(place: number): Promise<boolean> {
    if (this.#ended) return false;
    if (this.#pulled % this.#size === 0 && this.#pulled > 0) this.#markHere();
    const result = await this.#upstream.next();
    if (result.done) {
      this.#ended = true;
      return false;
    }
    this.#buffer[place] = result.value;
    this.#numbers[place] = this.#pulled++;
    return true;
  }

  #markHere(): void {
    const marks = this.#marks;
    if (marks[marks.length - 1].pulled < this.#pulled)
      marks.push({ pulled: this.#pulled, state: this.#upstream.state() });
    let oldest = this.#pulled;
    for (let place = 0; place < this.#numbers.length; place++)
      if (place !== this.#hole) oldest = Math.min(oldest, this.#numbers[place]);
    while (marks.length > 1 && marks[1].pulled <= oldest) marks.shift();
  }

  /** Closes the hole with the last element. */
  #shrink(): void {
    const value = this.#buffer.pop() as T;
    const number = this.#numbers.pop() as number;
    if (this.#hole < this.#buffer.length) {
      this.#buffer[this.#hole] = value;
      this.#numbers[this.#hole] = number;
    }
  }

  /** What happened before, with the numbers of the elements only; then the elements are pulled again. */
  async #restore(): Promise<void> {
    const total = this.#pulled;
    const numbers = Array.from({ length: Math.min(this.#size, total) }, (_, i) => i);
    let next = numbers.length;
    let hole = -1;
    for (let draw = 0; draw < this.#given; draw++) {
      if (hole >= 0) {
        if (next < total) numbers[hole] = next++;
        else {
          const last = numbers.pop() as number;
          if (hole < numbers.length) numbers[hole] = last;
        }
      }
      hole = this.#draw(draw, numbers.length);
    }
    const places = new Map(numbers.map((number, place) => [number, place]));
    for (let number = this.#marks[0].pulled; number < total; number++) {
      const result = await this.#upstream.next();
      if (result.done) throw otherState(`a shuffle of ${number} elements`, this.state());
      const place = places.get(number);
      if (place !== undefined && place !== hole) this.#buffer[place] = result.value;
    }
    // The hole counts as a place.
    this.#buffer.length = numbers.length;
    this.#numbers = numbers;
    this.#hole = hole;
  }
}
