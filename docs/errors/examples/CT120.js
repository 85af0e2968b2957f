import { program, tensor } from 'cotangent';
import { checkProgram } from '../../../src/core/check.ts';
import { sin } from '../../../src/primitives/elementary.ts';
import { op } from '../../../src/primitives/primitive.ts';

export const about = `A program is a list of equations in which every variable is assigned once, before it is used, and has the element type and shape that its primitive's rule gives. Programs made by tracing are so; one that was changed by hand, or made by a faulty rule of a primitive, is refused before it runs.`;

export const wrongs = {
  'equations out of order': () => {
    const made = program(x => x.mul(x).sin())(tensor([1, 2]));
    checkProgram({ ...made, equations: [...made.equations].reverse() });
  },
  'a variable assigned twice': () => {
    const made = program(x => x.mul(x))(tensor([1, 2]));
    checkProgram({ ...made, equations: [...made.equations, ...made.equations] });
  },
  'a shape rule that changes its mind': () => {
    let calls = 0;
    const abstract = ([x]) => (calls++ > 0 ? x : x.with({ shape: [] }));
    const fickle = op(
      { ...sin.primitive, name: 'fickle', abstract },
      x => [x],
      () => ({}),
    );
    return program(x => fickle(x))(tensor([1, 2]));
  },
};

export function right() {
  const made = program(x => x.mul(x).sin())(tensor([1, 2]));
  checkProgram(made);
  return made;
}
