/** One equation where it is translated. */
import { BadArgument } from '../../core/errors.ts';
import type { Variable } from '../../core/program.ts';
import type { Equation } from '../../primitives/primitive.ts';
import { between, type Extent, type Sizes } from './extent.ts';
import type { Graph, Value } from './graph.ts';

/** What is known of the program around an equation. */
export interface Scope {
  readonly sizes: Sizes | null;
  valueOf(variable: Variable): Value;
  /** The extents that the variable has in truth: those of its value may be smaller. */
  extentsOf(variable: Variable): readonly Extent[];
  makerOf(variable: Variable): Equation | null;
  /** The number that every element is; null where it is not known. */
  numberOf(variable: Variable): number | null;
}

export class Site {
  readonly g: Graph;
  readonly equation: Equation;
  /** The same equation of the program for another number of examples. */
  readonly twin: Equation | null;
  readonly scope: Scope;

  constructor(g: Graph, equation: Equation, twin: Equation | null, scope: Scope) {
    this.g = g;
    this.equation = equation;
    this.twin = twin;
    this.scope = scope;
  }

  get inputs(): readonly Value[] {
    return this.equation.inputs.map(input => this.scope.valueOf(input));
  }

  get inputExtents(): readonly (readonly Extent[])[] {
    return this.equation.inputs.map(input => this.scope.extentsOf(input));
  }

  get outputExtents(): readonly (readonly Extent[])[] {
    return this.equation.outputs.map((output, i) =>
      output.aval.shape.map((n, axis) => this.between(n, this.twin?.outputs[i].aval.shape[axis] ?? n)),
    );
  }

  between(first: number, second: number): Extent {
    return between(this.scope.sizes, first, second, this.equation.source);
  }

  /** A number of the equation that may depend on the number of examples. */
  extent(of: (equation: Equation) => number): Extent {
    return this.between(of(this.equation), of(this.twin ?? this.equation));
  }

  /** The parameters; those of both programs must be equal. */
  params<P>(): P {
    const { params } = this.equation;
    if (this.twin !== null && JSON.stringify(params) !== JSON.stringify(this.twin.params))
      this.refuse('whose parameters depend on the number of examples');
    return params as P;
  }

  /** The operand with all its elements. */
  whole(i: number): Value {
    return this.g.expand(this.inputs[i], this.inputExtents[i]);
  }

  /** The operand with all its axes, each of its own extent or 1. */
  ranked(i: number): Value {
    return this.g.ranked(this.inputs[i], this.inputExtents[i].length);
  }

  refuse(why: string): never {
    const { operation, inputs, source } = this.equation;
    throw new BadArgument({
      did: `exported to ONNX the primitive '${operation.name}' of ${inputs.map(input => input.aval).join(' and ') || 'nothing'}, ${why}`,
      expected: 'primitives that ONNX operators can express: docs/onnx.md has the list',
      remedy:
        'leave this step out of the exported function and do it before or after running the graph, or write it with other operations',
      ...(source ? { place: source } : {}),
    });
  }
}
