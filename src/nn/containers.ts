/** Layers made of layers; all hand the pass on. */
import { sameShape } from '../core/aval.ts';
import { ShapeMismatch } from '../core/errors.ts';
import type { Tensor } from '../core/tensor.ts';
import { add } from '../numpy/arithmetic.ts';
import { Module } from './module.ts';
import type { Pass } from './pass.ts';

/** A layer: a function of a tensor, or a module with a `forward` of one and of the pass. */
export type Layer = ((x: Tensor) => Tensor) | (Module & { forward(x: Tensor, pass?: Pass): Tensor });

/** What a layer gives; a module is told of the pass, a plain function gets the value only. */
export function through(layer: Layer, x: Tensor, pass?: Pass): Tensor {
  return 'forward' in layer ? layer.forward(x, pass) : layer(x);
}

/**
 * Layers one after another.
 *
 * @example new Sequential(new Linear(a, 2, 16), relu, new Linear(b, 16, 1))
 */
export class Sequential extends Module {
  readonly layers: readonly Layer[];

  constructor(...layers: readonly Layer[]) {
    super();
    this.layers = layers;
  }

  forward(x: Tensor, pass?: Pass): Tensor {
    return this.layers.reduce((value, layer) => through(layer, value, pass), x);
  }
}

/**
 * x + body(x), or shortcut(x) + body(x): layers that learn what to add (He et al. 2016, eqs. 1 and 2).
 *
 * @example new Residual(new Sequential(new Linear(a, 8, 8), relu, new Linear(b, 8, 8)))
 */
export class Residual extends Module {
  readonly body: Layer;
  /** Brings x to the shape of the body's output; null leaves it as it is. */
  readonly shortcut: Layer | null;

  constructor(body: Layer, shortcut: Layer | null = null) {
    super();
    this.body = body;
    this.shortcut = shortcut;
  }

  /** @throws ShapeMismatch where the body changes the shape and no shortcut does the same */
  forward(x: Tensor, pass?: Pass): Tensor {
    const value = through(this.body, x, pass);
    const past = this.shortcut === null ? x : through(this.shortcut, x, pass);
    if (!sameShape(past.shape, value.shape))
      throw new ShapeMismatch({
        did: `Residual adds ${past.aval} and its body's ${value.aval}`,
        expected: 'equal shapes',
        remedy:
          'give a shortcut that changes the shape alike: new Residual(body, new Linear(key, inputs, outputs))',
      });
    return add(past, value);
  }
}
