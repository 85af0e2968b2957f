/**
 * A forward pass: whether the model trains, its random keys, and the state of its layers. State is what a layer
 * remembers from pass to pass without being a parameter, such as the running statistics of a batch norm.
 */
import { BadArgument } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { foldIn } from '../random/key.ts';
import { Module } from './module.ts';

/** What one layer remembers, by name. */
export type LayerState = { readonly [name: string]: Tensor };

/** The states of a model's layers, by the path of the layer in the model, such as `layers[1]`. A tree. */
export type ModelState = { readonly [path: string]: LayerState };

/** A module that remembers something from pass to pass. */
export type Stateful<S extends LayerState = LayerState> = Module & { initialState(): S };

/**
 * Calls `visit` with every module of a model and its path, the model itself first, whose path is ''. The fields of
 * modules and plain objects, elements of arrays and values of Maps are gone through in their own order.
 */
export function eachModule(model: unknown, visit: (module: Module, path: string) => void, path = ''): void {
  if (typeof model !== 'object' || model === null || model instanceof Tensor || ArrayBuffer.isView(model))
    return;
  if (Array.isArray(model)) {
    model.forEach((child, i) => {
      eachModule(child, visit, `${path}[${i}]`);
    });
    return;
  }
  if (model instanceof Map) {
    for (const [key, child] of model) eachModule(child, visit, `${path}.get(${String(key)})`);
    return;
  }
  const prototype = Object.getPrototypeOf(model) as unknown;
  if (model instanceof Module) visit(model, path);
  else if (prototype !== Object.prototype && prototype !== null) return;
  for (const [name, child] of Object.entries(model))
    eachModule(child, visit, path === '' ? name : `${path}.${name}`);
}

function isStateful(module: Module): module is Stateful {
  return typeof (module as { initialState?: unknown }).initialState === 'function';
}

/**
 * The state that a model starts with: for every layer with a method `initialState()`, what that gives, under the
 * layer's path. A plain object of plain objects of tensors; empty for a model whose layers remember nothing.
 *
 * @param model a module, or modules in arrays, plain objects and Maps
 * @example Object.keys(initialState(new Sequential(relu, new BatchNorm(8)))) // ['layers[1]']
 */
export function initialState(model: unknown): ModelState {
  const states: Record<string, LayerState> = {};
  eachModule(model, (module, path) => {
    if (isStateful(module)) states[path] = module.initialState();
  });
  return states;
}

export interface EvaluationOptions {
  /** From `initialState(model)`, or from the pass before. Not needed by models whose layers remember nothing. */
  readonly state?: ModelState;
  /** For layers that draw random numbers. */
  readonly key?: Tensor;
}

/** The same in training. */
export type TrainingOptions = EvaluationOptions;

/**
 * What a forward pass needs besides its input. It is made for one call of the model, inside the function that is
 * differentiated or compiled, with {@link training} or {@link evaluation}, and handed from layer to layer.
 */
export class Pass {
  /** Whether dropout drops, and batch norm uses and updates its statistics. */
  readonly training: boolean;
  readonly #key: Tensor | undefined;
  readonly #paths: ReadonlyMap<Module, string>;
  #state: ModelState;
  #keys = 0;

  /** Use `training(model, …)` or `evaluation(model, …)`. */
  constructor(model: unknown, isTraining: boolean, options: EvaluationOptions) {
    const paths = new Map<Module, string>();
    const known = new Set<string>();
    eachModule(model, (module, path) => {
      known.add(path);
      // A module in two places goes by the first.
      if (!paths.has(module)) paths.set(module, path);
    });
    this.training = isTraining;
    this.#key = options.key;
    this.#state = options.state ?? {};
    this.#paths = paths;
    const stranger = Object.keys(this.#state).find(path => !known.has(path));
    if (stranger !== undefined)
      throw new BadArgument({
        did: `${this.#name} with a state for '${stranger}'`,
        expected: `a state whose names are paths of the model's layers: ${[...known].map(p => `'${p}'`).join(', ')}`,
        remedy: 'make the state from the same model: initialState(model)',
      });
  }

  get #name(): string {
    return this.training ? 'training(model, …)' : 'evaluation(model, …)';
  }

  /** The states of all layers after the pass: those it was given, with what `write` put in their place. */
  get state(): ModelState {
    return this.#state;
  }

  /**
   * A key to draw with, another one at each call: foldIn(key, number of calls before).
   *
   * In a step of `scan` or a function under `vmap`, which are traced once, every turn gets the same key.
   *
   * @returns uint32[2]
   * @throws BadArgument where the pass was made without a key
   */
  key(): Tensor {
    if (this.#key === undefined)
      throw new BadArgument({
        did: 'a layer draws random numbers in a pass without a key',
        expected: 'a key',
        remedy: this.training ? 'training(model, { state, key })' : 'evaluation(model, { state, key })',
      });
    return foldIn(this.#key, this.#keys++);
  }

  /**
   * What a layer of the model remembers; what it wrote last, if it did so in this pass.
   *
   * @throws BadArgument for a module that is not in the model, or one without a state
   */
  read<S extends LayerState>(module: Stateful<S>): S {
    const path = this.#pathOf(module);
    const own = this.#state[path];
    if (own === undefined) throw withoutState(module, path, this.training);
    return own as S;
  }

  /** Puts another state in the place of a layer's. @throws BadArgument for a module that is not in the model */
  write<S extends LayerState>(module: Stateful<S>, next: S): void {
    this.#state = { ...this.#state, [this.#pathOf(module)]: next };
  }

  #pathOf(module: Module): string {
    const path = this.#paths.get(module);
    if (path === undefined)
      throw new BadArgument({
        did: `the state of a ${module.constructor.name} that is not in the model of the pass`,
        expected: 'a module of the model that the pass was made for',
        remedy: `make the pass inside the function, from its own argument: (model, x) => model.forward(x, ${this.#name})`,
      });
    return path;
  }
}

/** The error of a layer that remembers something and got no state. */
function withoutState(module: Module, path: string, isTraining: boolean): BadArgument {
  return new BadArgument({
    did: `a pass through a ${module.constructor.name}${path && ` at '${path}'`} without its state`,
    expected: 'the state, which is kept beside the model',
    remedy: `const state = initialState(model) once, then model.forward(x, ${
      isTraining ? 'training(model, { state, key })' : 'evaluation(model, { state })'
    })`,
  });
}

/**
 * The state of a layer in a pass, or the error that tells how to give one.
 *
 * @throws BadArgument where there is no pass, or one without the layer's state
 */
export function stateOf<S extends LayerState>(module: Stateful<S>, pass: Pass | undefined): S {
  if (pass === undefined) throw withoutState(module, '', false);
  return pass.read(module);
}

/**
 * A pass for training: dropout drops, batch norm uses the statistics of the batch and updates the running ones.
 *
 * @param model the model, as the function that is differentiated or compiled has it
 * @param options state: from `initialState(model)` or the pass before; key: where layers draw from
 * @example const pass = training(model, { state, key })
 * @example const loss = crossEntropy(model.forward(x, pass), y) // then pass.state is the next state
 * @throws BadArgument for the state of another model
 */
export function training(model: unknown, options: TrainingOptions = {}): Pass {
  return new Pass(model, true, options);
}

/**
 * A pass for evaluation: nothing is dropped, batch norm uses its running statistics. Leaving the pass out is the
 * same without a state.
 *
 * @param model the model, as the function that is compiled has it
 * @param options state: from `initialState(model)` or the last pass in training
 * @example const logits = model.forward(x, evaluation(model, { state }))
 * @throws BadArgument for the state of another model
 */
export function evaluation(model: unknown, options: EvaluationOptions = {}): Pass {
  return new Pass(model, false, options);
}
