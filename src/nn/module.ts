/** Modules: objects with parameters that are trees, so that `grad`, `jit` and optimisers take them as they are. */
import { Tensor } from '../core/tensor.ts';
import { flatten, protocol, type TreeNode } from '../core/tree.ts';

/** Whether a field holds something that is computed with: a tensor or a module, also inside arrays, objects, Maps. */
function holdsTensors(value: unknown): boolean {
  if (value instanceof Tensor || value instanceof Module || ArrayBuffer.isView(value)) return true;
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some(holdsTensors);
  if (value instanceof Map) return [...value.values()].some(holdsTensors);
  const prototype = Object.getPrototypeOf(value) as unknown;
  return (prototype === Object.prototype || prototype === null) && Object.values(value).some(holdsTensors);
}

/** A fixed value's parts, so that equal lists and options written in two places count as the same structure. */
function parts(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return ['[', ...value.flatMap(parts), ']'];
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return [value];
  const names = Object.keys(value).sort();
  return ['{', ...names.flatMap(name => [name, ...parts((value as Record<string, unknown>)[name])]), '}'];
}

const tree: TreeNode<Module> = {
  children: module => Object.fromEntries(Object.entries(module).filter(([, value]) => holdsTensors(value))),
  rebuild: (children, like) =>
    Object.assign(Object.create(Object.getPrototypeOf(like) as object) as Module, like, children),
  fixed: module =>
    Object.entries(module)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, value]) => (holdsTensors(value) ? [] : [name, ...parts(value)])),
};

/**
 * The base of classes that are trees. Fields that hold tensors or modules, also in arrays, plain objects and Maps, are
 * the children: parameters, to be differentiated and updated. All other fields (numbers, strings, functions, null) are
 * part of the structure, lists and options compared part by part. Transformations make a changed copy without running the constructor; private `#` fields are
 * not copied.
 *
 * @example class Scale extends Module { factor = tensor(1); forward(x) { return x.mul(this.factor) } }
 * @example grad((m) => m.forward(x).sum())(new Scale()) // a Scale whose factor is the derivative
 */
export abstract class Module {
  static {
    Object.defineProperty(Module, protocol, { value: tree });
  }

  /** The parameters, one a line, with their types and shapes. */
  toString(): string {
    const { leaves, structure } = flatten(this);
    const lines = structure
      .paths()
      .map(
        (path, i) => `  ${path.slice(1)}: ${leaves[i] instanceof Tensor ? leaves[i].aval : typeof leaves[i]}`,
      );
    return [this.constructor.name, ...lines].join('\n');
  }
}
