// Backpropagation is the vector–Jacobian product of a scalar loss with the cotangent 1. Shown on numbers.
import { adjoints, grad, jacobian, tag, tensor, vjp } from 'cotangent';

/** f: R³ → R², f(x) = (x₁x₂x₃, x₁² + x₂² + x₃²) */
const f = x => tensor([x.prod(), x.mul(x).sum()]);
const x = tensor([1, 2, 3]);
const weights = tensor([1, 10]);

/** A scalar loss of f. */
const loss = x => tag('f(x)', f(x)).mul(weights).sum();

const row = values => `[${values.map(value => String(value).padStart(3)).join(', ')} ]`;
const show = t => row(t.arraySync());

export function explain() {
  const [y, pullback] = vjp(f, x);
  const [cotangent] = pullback(weights);
  const [first, second] = jacobian(f)(x).arraySync();

  console.log('A function f: R³ → R² at x = [1, 2, 3]');
  console.log(`  f(x)                        ${show(y)}`);
  console.log(`  rows of its Jacobian        ${row(first)}  and  ${row(second)}`);
  console.log(
    'Pulling the cotangent [1, 10] of f(x) back gives a cotangent of x, without making the Jacobian:',
  );
  console.log(`  vjp                         ${show(cotangent)}`);
  console.log(`  1 · row 1 + 10 · row 2      ${row(first.map((a, i) => a + 10 * second[i]))}`);

  const [value, lossPullback] = vjp(loss, x);
  console.log(
    '\nA scalar loss L(x) = [1, 10] · f(x). Its gradient is the same product with the cotangent 1:',
  );
  console.log(`  L(x)                         ${value.item()}`);
  console.log(`  vjp with cotangent 1        ${show(lossPullback(1)[0])}`);
  console.log(`  grad                        ${show(grad(loss)(x))}`);

  console.log(
    '\nOn the way every intermediate variable v gets its adjoint ∂L/∂v; that of f(x) is [1, 10]:\n',
  );
  console.log(String(adjoints(loss)(x)).replace(/^/gm, '  '));
}
