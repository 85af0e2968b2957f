/** Where an operation comes from: the user's line, and the operation whose derivative it belongs to. */
import { userLine } from './errors.ts';

/** The part of a derivative that an operation belongs to. */
export interface Role {
  readonly pass: 'forward' | 'reverse';
  /** The name of the operation that is differentiated. */
  readonly of: string;
}

export interface Origin {
  /** The user's line, where the engine tells it. */
  readonly source: string;
  readonly role?: Role | undefined;
}

let replayed: Origin | null = null;

/** Runs `body`, whose operations come from elsewhere than the line that is running: a recorded program. */
export function withOrigin<T>(origin: Origin, body: () => T): T {
  const before = replayed;
  replayed = origin;
  try {
    return body();
  } finally {
    replayed = before;
  }
}

/** Where what runs now comes from. */
export function currentOrigin(): Origin {
  return replayed ?? { source: userLine() };
}

/** Runs the rules that differentiate an operation. Within a derivative of a derivative the first one counts. */
export function inRole<T>(pass: Role['pass'], of: string, body: () => T): T {
  const { source, role } = currentOrigin();
  return withOrigin({ source, role: { pass, of: role?.of ?? of } }, body);
}
