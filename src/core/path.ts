/** The path of transformations that are running (`jit › grad › loss`), for error messages. */

const scopes: string[] = [];

/** Runs `body` inside a transformation's scope; the scope ends however the body ends. */
export function inScope<T>(label: string, body: () => T): T {
  scopes.push(label);
  try {
    return body();
  } finally {
    scopes.pop();
  }
}

export function currentPath(): string {
  return scopes.join(' › ');
}

/** `grad(loss)`; an anonymous function shows the transformation alone. */
export function labelOf(transformation: string, f: { readonly name: string }): string {
  return f.name ? `${transformation}(${f.name})` : transformation;
}
