import { Aval } from '../../../src/core/aval.ts';
import { checkProgram } from '../../../src/core/check.ts';
import { Variable } from '../../../src/core/program.ts';
import { tensor } from '../../../src/numpy/array.ts';
import { sin } from '../../../src/primitives/elementary.ts';
import { type PrintableProgram, program } from '../../../src/transforms/program.ts';

export const about =
  'A program is a list of equations in which every variable is assigned once, before it is used, with the shape and element type that its operation gives. The library checks the programs that it makes. Functions made of its own operations never meet this error; it is for those who declare primitives or write transformations.';

const variable = (...shape: number[]): Variable => new Variable(new Aval('float32', shape));

export const wrongs = {
  'an output that nothing computes': () => {
    const [x, y] = [variable(2), variable(2)];
    checkProgram({ inputs: [x], constants: new Map(), equations: [], outputs: [y] });
  },
  'a variable assigned twice': () => {
    const [x, y] = [variable(2), variable(2)];
    const equation = { operation: sin.primitive, inputs: [x], params: {}, outputs: [y] };
    checkProgram({ inputs: [x], constants: new Map(), equations: [equation, equation], outputs: [y] });
  },
  'a result of another shape': () => {
    const [x, y] = [variable(2), variable(3)];
    const equation = { operation: sin.primitive, inputs: [x], params: {}, outputs: [y] };
    checkProgram({ inputs: [x], constants: new Map(), equations: [equation], outputs: [y] });
  },
};

export const right = (): PrintableProgram => program(sin)(tensor([1, 2]));
