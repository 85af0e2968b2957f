import type { FunctionRef, ModuleBuilder } from '../encode.ts';

export class VectorMath {
  constructor(_module: ModuleBuilder, _options: { relaxed: boolean }) {}

  function(op: string, type: string): FunctionRef {
    throw new Error(`${op} ${type}`);
  }
}
