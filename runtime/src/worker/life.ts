/** How long what a version of a function has begun may go on: until another took its place, and its last call is over. */
export class Life {
  #going = 0;
  #isClosed = false;
  readonly #endings: (() => void)[] = [];

  /** Done at its end. */
  atEnd(end: () => void): void {
    this.#endings.push(end);
  }

  begun(): void {
    this.#going++;
  }

  over(): void {
    this.#going--;
    this.#look();
  }

  /** As a call would, for as long as that isn't settled. A rejection of it stays one that nobody caught. */
  during(going: unknown): void {
    const settled = Promise.resolve(going);
    this.begun();
    settled.finally(() => this.over());
  }

  /** It gets no more calls. */
  close(): void {
    this.#isClosed = true;
    this.#look();
  }

  #look(): void {
    if (!this.#isClosed || this.#going > 0) return;
    for (const end of this.#endings.splice(0)) end();
  }
}
