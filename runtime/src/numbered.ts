/**
 * Values by number, for what comes and goes with every call.
 *
 * No Map: when it replaces its table, the one of before leads to the next. Once one of them has grown old, all tables
 * that come after it, and all that was in them, are kept until memory is collected as a whole.
 */
export class Numbered<Value> {
  readonly #values: Record<number, Value> = Object.create(null);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(number: number): Value | undefined {
    return this.#values[number];
  }

  has(number: number): boolean {
    return number in this.#values;
  }

  set(number: number, value: Value): void {
    if (!this.has(number)) this.#size++;
    this.#values[number] = value;
  }

  /** Whether it was there. */
  delete(number: number): boolean {
    if (!this.has(number)) return false;
    this.#size--;
    return delete this.#values[number];
  }

  /** Those of now, by their numbers. */
  values(): Value[] {
    return Object.values(this.#values);
  }
}
