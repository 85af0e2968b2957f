/** @typedef {import('cotangent').Tensor} Tensor */

/** ½‖x‖² + sin x₀ @param {Tensor} x */
export const energy = x => x.mul(x).sum().mul(0.5).add(x.at(0).get().sin());
/** @param {{ a: Tensor }} w @param {Tensor} x */
export const two = (w, x) => w.a.mul(x).sum();
/** @param {Tensor} x */
export const vector = x => x;
export const number = 3;
