/**
 * The Brusselator, a reaction–diffusion system on an N × N grid with periodic boundary; the usual example of sparsity
 * detection (Gowda et al., "Sparsity Programming", 2019). Expected pattern: brusselator-n6-pattern.txt, the reference of
 * SparseConnectivityTracer.jl's own test (test/references/pattern/jacobian/Brusselator.txt, MIT licence).
 *
 * Julia stores u[i, j, k] with i fastest: element i + N·j + N²·k. So u here has the axes [k, j, i].
 */
import { roll, stack, type Tensor } from '../../../src/index.ts';

export function brusselator(u: Tensor): Tensor {
  const [A, B, alpha] = [3.4, 1, 10];
  const [U, V] = [u.at(0).get(), u.at(1).get()];
  const laplacian = (w: Tensor): Tensor =>
    roll(w, 1, { axis: 0 })
      .add(roll(w, -1, { axis: 0 }))
      .add(roll(w, 1, { axis: 1 }))
      .add(roll(w, -1, { axis: 1 }))
      .sub(w.mul(4));
  const reaction = U.mul(U).mul(V);
  return stack([
    laplacian(U)
      .mul(alpha)
      .add(B)
      .add(reaction)
      .sub(U.mul(A + 1)),
    laplacian(V).mul(alpha).add(U.mul(A)).sub(reaction),
  ]);
}
