/** Scopes that give back what was made in them. */

interface Disposable {
  dispose(): void;
}

let made: Set<Disposable> | null = null;

/** Called for every concrete tensor as it is made. */
export function noteMade(tensor: Disposable): void {
  made?.add(tensor);
}

/** The tensor outlives the scope that it was made in, as a program's constant does. */
export function outlive(tensor: Disposable): void {
  made?.delete(tensor);
}

/** Runs `body`, then disposes of every tensor made in it but those that `kept` finds in its result. */
export function disposing<T>(body: () => T, kept: (result: T) => readonly unknown[]): T {
  const outer = made;
  const mine = new Set<Disposable>();
  made = mine;
  try {
    const result = body();
    for (const tensor of kept(result)) {
      mine.delete(tensor as Disposable);
      outer?.add(tensor as Disposable);
    }
    return result;
  } finally {
    made = outer;
    for (const tensor of mine) tensor.dispose();
  }
}
