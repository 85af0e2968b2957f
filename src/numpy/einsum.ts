/** Einstein's summation: products and sums of tensors, written by naming axes. */
import { range, showShape } from '../core/aval.ts';
import { BadArgument, ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { asTensor, promote, type TensorLike } from './array.ts';
import { contractAll, type Labelled } from './contraction.ts';
import { diagonal } from './diagonals.ts';

interface Spec {
  /** The labels of each operand's axes; those of an ellipsis are '.0', '.1', … from the last one on. */
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

function wrong(spec: string, expected: string): BadArgument {
  return new BadArgument({
    did: `einsum('${spec}', …)`,
    expected,
    remedy: "name axes by letters: einsum('ij,jk->ik', a, b), einsum('...i,i', x, w)",
  });
}

const dots = (count: number): string[] => range(count).map(i => `.${count - 1 - i}`);

/** The labels of one term, its ellipsis standing for `rest` axes. */
function labelsOf(term: string, rest: number): string[] {
  const [before, after] = term.split('...');
  return after === undefined ? [...term] : [...before, ...dots(rest), ...after];
}

function parse(spec: string, shapes: readonly (readonly number[])[]): Spec {
  const plain = spec.replace(/\s/g, '');
  const [left, right, more] = plain.split('->');
  const terms = left.split(',');
  const legal = (term: string): boolean => /^[A-Za-z]*(\.\.\.)?[A-Za-z]*$/.test(term);
  if (more !== undefined || !terms.every(legal) || (right !== undefined && !legal(right)))
    throw wrong(
      spec,
      "letters and at most one '...' in each term, terms separated by ',', and at most one '->'",
    );
  if (terms.length !== shapes.length)
    throw wrong(
      spec,
      `as many terms as tensors: there are ${terms.length} terms and ${shapes.length} tensors`,
    );
  const inputs = terms.map((term, i) => {
    const named = term.replace('...', '').length;
    const rest = shapes[i].length - named;
    if (term.includes('...') ? rest < 0 : rest !== 0)
      throw new ShapeMismatch({
        did: `einsum('${spec}', …): the term '${term}' for tensor ${i} of shape ${showShape(shapes[i])}`,
        expected: `${shapes[i].length} letters, one for each axis`,
        remedy: "'...' stands for axes without a letter",
      });
    return labelsOf(term, rest);
  });
  const longest = Math.max(0, ...inputs.map(labels => labels.filter(label => label.startsWith('.')).length));
  if (right === undefined) {
    const all = inputs.flat();
    const once = [...new Set(all)].filter(
      label => !label.startsWith('.') && all.indexOf(label) === all.lastIndexOf(label),
    );
    return { inputs, output: [...dots(longest), ...once.sort()] };
  }
  if (longest > 0 && !right.includes('...'))
    throw wrong(spec, "'...' in the output, since a tensor has axes under it: to sum over them name them");
  const output = labelsOf(right, longest);
  for (const label of output) {
    if (!inputs.some(labels => labels.includes(label)))
      throw wrong(spec, `every letter of the output in a term before it; '${label}' is in none`);
    if (output.indexOf(label) !== output.lastIndexOf(label))
      throw wrong(spec, `every letter once in the output; '${label}' is there twice`);
  }
  return { inputs, output };
}

/** Axes of one label must agree, or be 1 and repeat. */
function requireExtents(spec: string, operands: readonly Tensor[], inputs: Spec['inputs']): void {
  const extents = new Map<string, number>();
  inputs.forEach((labels, i) => {
    labels.forEach((label, axis) => {
      const extent = operands[i].shape[axis];
      const known = extents.get(label) ?? 1;
      if (known !== 1 && extent !== 1 && extent !== known)
        throw new ShapeMismatch({
          did: `einsum('${spec}', ${operands.map(operand => operand.aval).join(', ')})`,
          expected: `equal extents under ${label.startsWith('.') ? "'...'" : `'${label}'`}, not ${known} and ${extent}`,
          remedy: 'check the order of the letters against the shapes',
        });
      extents.set(label, known === 1 ? extent : known);
    });
  });
}

/** Of axes with one label only their diagonal counts. */
function withoutRepetition(spec: string, operand: Labelled): Labelled {
  const { tensor, labels } = operand;
  const second = labels.findIndex((label, i) => labels.indexOf(label) < i);
  if (second < 0) return operand;
  const first = labels.indexOf(labels[second]);
  if (tensor.shape[first] !== tensor.shape[second])
    throw new ShapeMismatch({
      did: `einsum('${spec}', …): a diagonal of ${tensor.aval} over axes ${first} and ${second}`,
      expected: 'axes of equal extent',
      remedy: 'use different letters for axes that are not paired',
    });
  return withoutRepetition(spec, {
    tensor: diagonal(tensor, { axis1: first, axis2: second }),
    labels: [...labels.filter((_, i) => i !== first && i !== second), labels[second]],
  });
}

/**
 * Products of tensors summed over the axes that the output does not name.
 *
 * Each term before '->' names the axes of one tensor by letters. Axes of one letter run together, and one of extent 1
 * repeats; a letter twice in a term is a diagonal. Without '->' the output has the letters that occur once, in
 * alphabetical order. '...' stands for any number of axes, which broadcast. Several tensors are multiplied pair by
 * pair, the cheapest pair first.
 *
 * @example einsum('ij,jk->ik', a, b) // Σ_j a_ij·b_jk
 * @example einsum('ii', a) // Σ_i a_ii
 * @example einsum('...i,i->...', x, w)
 * @throws BadArgument for an illegal description, ShapeMismatch
 */
export function einsum(spec: string, ...tensors: TensorLike[]): Tensor {
  if (typeof spec !== 'string' || tensors.length === 0)
    throw wrong(String(spec), 'a description and at least one tensor');
  const operands = tensors.length === 1 ? tensors.map(asTensor) : promote('einsum', tensors);
  const { inputs, output } = parse(
    spec,
    operands.map(operand => operand.shape),
  );
  requireExtents(spec, operands, inputs);
  return contractAll(
    operands.map((tensor, i) => withoutRepetition(spec, { tensor, labels: inputs[i] })),
    output,
  );
}
