/** Whatever is thrown inside a transformation, nothing of it is left behind. */
import {
  adjoints,
  ConcreteValueNeeded,
  CotangentError,
  checkGrads,
  customJvp,
  customVjp,
  explainJacobian,
  gnvp,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacobian,
  jacrev,
  jit,
  jvp,
  linearize,
  maximum,
  program,
  ShapeMismatch,
  sparseHessian,
  sparsityPattern,
  type Tensor,
  TensorAsCondition,
  TracerLeak,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
  where,
} from 'cotangent';
import { afterEach, describe, expect, test } from 'vitest';
import { currentPath } from '../../src/core/path.ts';
import { currentTrace } from '../../src/core/trace.ts';

type Scalar = (x: Tensor) => Tensor;
type Transformation = (f: Scalar) => Scalar;

const evaluation = currentTrace();

/** Each gives a function of one number again, so that they nest in any order. */
const transformations: Record<string, Transformation> = {
  grad: f => x => grad(f)(x),
  valueAndGrad: f => x => valueAndGrad(f)(x)[0],
  vjp: f => x => vjp(f, x)[0],
  jvp: f => x => jvp(f, [x], [x])[1],
  linearize: f => x => linearize(f, x)[0],
  vmap: f => x => vmap(f)(tensor([x, x])).sum(),
  jit: f => jit(f) as Scalar,
  hvp: f => x => hvp(f, [x], [x]),
  jacfwd: f => x => jacfwd(f)(x),
  jacrev: f => x => jacrev(f)(x),
  hessian: f => x => hessian(f)(x) as Tensor,
  sparse: f => x => jacobian(f, { mode: 'sparse' })(x),
};

/** These end in something else than a function of tensors: outermost only. */
const outermost: Record<string, (f: Scalar) => (x: Tensor) => unknown> = {
  ...transformations,
  adjoints: f => adjoints(f),
  program: f => program(f),
  checkGrads: f => x => checkGrads(f, [x]),
  sparsityPattern: f => sparsityPattern(f),
  sparseHessian: f => sparseHessian(f),
  gnvp: f => x => gnvp(f, y => y.mul(y), [x], [x]),
  explainJacobian: f => explainJacobian(f),
  'the function of customJvp': f => grad(customJvp(f, ([x], [dx]) => [x, dx]) as Scalar),
  'the function of customVjp': f =>
    grad(
      customVjp(
        f,
        x => [x, null],
        (_, ct) => [ct],
      ) as Scalar,
    ),
};

function leaked(): Tensor {
  let kept: Tensor | undefined;
  grad((x: Tensor) => {
    kept = x.mul(2);
    return kept;
  })(1);
  return kept as Tensor;
}

const lost = leaked();
const reason = new Error('mine');

/** How the user's function fails, and what must come out. */
const failures: Record<string, { readonly f: Scalar; readonly gives: (thrown: unknown) => boolean }> = {
  'an error of the user': {
    f: () => {
      throw reason;
    },
    gives: thrown => thrown === reason,
  },
  'an error of the user, midway': {
    f: x => {
      const y = x.sin();
      if (y.ndim === 0) throw reason;
      return y;
    },
    gives: thrown => thrown === reason,
  },
  'a string': {
    f: () => {
      throw 'no';
    },
    gives: thrown => thrown === 'no',
  },
  undefined: {
    f: () => {
      throw undefined;
    },
    gives: thrown => thrown === undefined,
  },
  'a shape mismatch': {
    f: x => x.add(tensor([1, 2]).mul([1, 2, 3])).sum(),
    gives: thrown => thrown instanceof ShapeMismatch,
  },
  'a leaked tracer': { f: x => x.mul(lost), gives: thrown => thrown instanceof TracerLeak },
  'endless recursion': {
    f: x => {
      const again: Scalar = y => again(y).add(1);
      return again(x);
    },
    gives: thrown => thrown instanceof RangeError,
  },
  'a result that is no tree': {
    f: () => new Date() as never,
    gives: thrown => thrown instanceof CotangentError && thrown.id === 'CT106',
  },
  'an async function': {
    f: (async (x: Tensor) => x) as never,
    gives: thrown => thrown instanceof CotangentError && thrown.id === 'CT115',
  },
  'a condition that nothing used': {
    f: x => (x.greater(0) ? x : x.mul(0)),
    gives: thrown => thrown instanceof TensorAsCondition,
  },
};

function thrownBy(run: () => unknown): { readonly thrown: unknown } | null {
  try {
    run();
  } catch (thrown) {
    return { thrown };
  }
  return null;
}

const id = (thrown: unknown): string =>
  thrown instanceof CotangentError ? thrown.id : `another error: ${String(thrown)}`;

function expectClean(): void {
  expect(currentPath()).toBe('');
  expect(currentTrace()).toBe(evaluation);
}

const cube: Scalar = x => x.mul(x).mul(x);

/** Everything still gives what it should. */
function expectWorking(): void {
  const x = tensor(2, 'float64');
  expect(grad(cube)(x).item()).toBe(12);
  expect(jvp(cube, [x], [tensor(1, 'float64')])[1].item()).toBe(12);
  expect(vmap(cube)(tensor([1, 2])).arraySync()).toEqual([1, 8]);
  expect(jit(cube)(x).item()).toBe(8);
  expect(adjoints(cube)(x).gradients[0].item()).toBe(12);
  expect(grad(jit((y: Tensor) => vmap(cube)(tensor([y, y])).sum()))(x).item()).toBe(24);
}

afterEach(expectClean);

describe.each(Object.entries(failures))('%s', (_, { f, gives }) => {
  test.each(Object.entries(outermost))('inside %s', (name, transform) => {
    const result = thrownBy(() => transform(f)(tensor(0.5, 'float64')));
    expect(result, `${name} did not throw`).not.toBeNull();
    expect(gives(result?.thrown), id(result?.thrown)).toBe(true);
    expectClean();
    expectWorking();
  });

  test('three deep', () => {
    const x = tensor(0.5, 'float64');
    const basic = Object.entries(transformations).slice(0, 7);
    for (const [n3, outer] of basic)
      for (const [n2, middle] of basic)
        for (const [n1, inner] of basic) {
          const result = thrownBy(() => outer(middle(inner(f)))(x));
          expect(
            result !== null && gives(result.thrown),
            `${n3} of ${n2} of ${n1}: ${id(result?.thrown)}`,
          ).toBe(true);
          expect(currentPath()).toBe('');
          expect(currentTrace()).toBe(evaluation);
        }
    expectWorking();
  });

  test('caught by the function around it, which goes on', () => {
    const guarded: Scalar = x => {
      expect(thrownBy(() => grad(f)(x))).not.toBeNull();
      expect(thrownBy(() => vmap(f)(tensor([x, x])))).not.toBeNull();
      return cube(x);
    };
    expect(grad(guarded)(2).item()).toBe(12);
    expect(jit(guarded)(tensor(2)).item()).toBe(8);
    expect(vmap(guarded)(tensor([1, 2])).arraySync()).toEqual([1, 8]);
  });
});

describe('errors of what the function is given or returns', () => {
  test.each<[string, () => unknown, string]>([
    ['an integer argument', () => grad(cube)(tensor(1, 'int32')), 'CT103'],
    ['no argument', () => (grad(cube) as () => unknown)(), 'CT107'],
    ['a vector', () => grad(cube)(tensor([1, 2])), 'CT102'],
    ['a vector in jit of grad', () => jit(grad(cube))(tensor([1, 2])), 'CT102'],
    ['a cotangent of another shape', () => vjp(cube, tensor(1))[1](tensor([1, 2])), 'CT101'],
    ['a tangent of another tree', () => jvp(cube, [tensor(1)], [{ x: 1 }] as never), 'CT106'],
    ['a tangent of the pushforward', () => linearize(cube, tensor(1))[1]([1, 2] as never), 'CT106'],
    [
      'different batches',
      () => vmap((x: Tensor, y: Tensor) => x.add(y))(tensor([1]), tensor([1, 2])),
      'CT117',
    ],
    ['outAxes', () => vmap(cube, { outAxes: 3 })(tensor([1, 2])), 'CT111'],
    ['outAxes null', () => vmap(cube, { outAxes: null })(tensor([1, 2])), 'CT112'],
  ])('%s', (_, run, expected) => {
    for (const nested of [
      run,
      () => grad((_: Tensor) => run() as Tensor)(1),
      () => jit(() => run() as Tensor)(),
      () => vmap((_: Tensor) => run() as Tensor)(tensor([1])),
    ]) {
      expect(id(thrownBy(nested)?.thrown)).toBe(expected);
      expectClean();
    }
    expectWorking();
  });
});

describe('jit', () => {
  test('forgets a trace that failed', () => {
    let fail = true;
    const f = jit((x: Tensor) => {
      const y = x.mul(2);
      if (fail) throw reason;
      return y.add(1);
    });
    for (let i = 0; i < 2; i++) expect(thrownBy(() => f(3))?.thrown).toBe(reason);
    expect(f.traces).toBe(0);
    expect(String(f)).toContain('not called yet');
    fail = false;
    expect(f(3).item()).toBe(7);
    expect(f(4).item()).toBe(9);
    expect(f.traces).toBe(1);
  });

  test('keeps the programs that it has when another signature fails', () => {
    const f = jit((x: Tensor) => x.add([1, 2]));
    expect(f(tensor([1, 1])).arraySync()).toEqual([2, 3]);
    const before = String(f);
    expect(id(thrownBy(() => f(tensor([1, 1, 1])))?.thrown)).toBe('CT101');
    expect(String(f)).toBe(before);
    expect(f(tensor([2, 2])).arraySync()).toEqual([3, 4]);
    expect(f.traces).toBe(1);
  });

  test('within a function that fails keeps only what is whole', () => {
    const inner = jit((x: Tensor) => x.mul(x));
    let fail = true;
    const outer = jit((x: Tensor) => {
      const y = inner(x);
      // Closes over the outer function's value: a program for one call.
      const z = jit((w: Tensor) => w.mul(y))(x);
      if (fail) throw reason;
      return z;
    });
    expect(thrownBy(() => outer(tensor(2)))?.thrown).toBe(reason);
    expect(inner.traces).toBe(1);
    expect(inner(tensor(3)).item()).toBe(9);
    fail = false;
    expect(outer(tensor(2)).item()).toBe(8);
    expect(grad(outer)(tensor(2)).item()).toBe(12);
    expect([inner.traces, outer.traces]).toEqual([1, 1]);
  });

  test('a derivative of the program that failed is not kept', () => {
    const f = jit((x: Tensor) => x.mul(x));
    const [, pullback] = vjp(f, tensor(3));
    expect(id(thrownBy(() => pullback(tensor([1, 2])))?.thrown)).toBe('CT101');
    expect(pullback(1)[0].item()).toBe(6);
    expect(grad(f)(tensor(5)).item()).toBe(10);
  });
});

describe('a leaked tracer', () => {
  const makers: Record<string, (f: (x: Tensor) => Tensor) => unknown> = {
    grad: f => grad(f)(1),
    jvp: f => jvp(f, [tensor(1)], [tensor(1)]),
    linearize: f => linearize(f, tensor(1)),
    vmap: f => vmap(f)(tensor([1, 2])),
    jit: f => jit(f)(tensor(1)),
    program: f => program(f)(tensor(1)),
    adjoints: f => adjoints(f)(tensor(1)),
  };

  describe.each(Object.entries(makers))('of %s', (name, make) => {
    const label = name;
    const kept = (): Tensor => {
      let x: Tensor | undefined;
      const keeps = (value: Tensor): Tensor => {
        x = value.mul(2);
        return value.mul(3);
      };
      make(keeps);
      return x as Tensor;
    };

    test('is refused in an operation outside, with the name of where it comes from', () => {
      const x = kept();
      const { thrown } = thrownBy(() => x.add(1)) as { thrown: unknown };
      expect(thrown).toBeInstanceOf(TracerLeak);
      expect((thrown as TracerLeak).did).toMatch(
        new RegExp(`inside ${label}(\\(keeps\\))?, which has ended`),
      );
    });

    test.each(Object.entries(outermost))('is refused in a later %s', (_, later) => {
      const x = kept();
      expect(id(thrownBy(() => later(y => y.mul(x))(tensor(1, 'float64')))?.thrown)).toBe('CT104');
      expectWorking();
    });

    test('is refused as an argument, a primal, a tangent and a cotangent', () => {
      const x = kept();
      const [, pullback] = vjp(cube, tensor(1));
      const [, pushforward] = linearize(cube, tensor(1));
      for (const run of [
        () => jit(cube)(x),
        () => grad(cube)(x),
        () => vmap(cube, { inAxes: 0 })(tensor([x, x])),
        () => jvp(cube, [tensor(1)], [x]),
        () => pullback(x),
        () => pushforward(x),
      ])
        expect(id(thrownBy(run)?.thrown), String(run)).toBe('CT104');
      expectWorking();
    });

    test('has a value only where it stood for a real one', () => {
      const x = kept();
      if (['grad', 'jvp', 'linearize', 'adjoints'].includes(name)) expect(x.item()).toBe(2);
      else expect(id(thrownBy(() => x.dataSync())?.thrown)).toBe('CT104');
    });
  });

  test('of a pullback made inside jit', () => {
    let pullback: ((ct: Tensor) => unknown) | undefined;
    jit((x: Tensor) => {
      const [y, pull] = vjp(cube, x);
      pullback = pull as (ct: Tensor) => unknown;
      return y;
    })(tensor(1));
    expect(id(thrownBy(() => pullback?.(tensor(1)))?.thrown)).toBe('CT104');
  });

  test('of an inner transformation, used in the outer one', () => {
    let inner: Tensor | undefined;
    const f: Scalar = x => {
      grad((y: Tensor) => {
        inner = y.mul(x);
        return inner;
      })(x);
      return x.mul(inner as Tensor);
    };
    for (const run of [() => grad(f)(1), () => jit(f)(1), () => vmap(f)(tensor([1, 2]))])
      expect(id(thrownBy(run)?.thrown)).toBe('CT104');
  });

  test('of an async function, after its await', async () => {
    let later: Promise<unknown> = Promise.resolve();
    const f = (x: Tensor): Tensor => {
      later = (async () => {
        await null;
        return x.mul(2);
      })();
      return x.mul(3);
    };
    grad(f)(1);
    await expect(later).rejects.toThrow(TracerLeak);
  });
});

describe('a tensor as a condition', () => {
  const unused: Record<string, Scalar> = {
    if: x => {
      if (x.greater(0)) return x;
      return x.mul(0);
    },
    'a conditional expression': x => (x.less(0) ? x.mul(0) : x),
    '&&': x => (x.greater(0) && x) as Tensor,
    '!': x => ((!x.equal(0) as unknown as boolean) ? x : x.mul(2)),
    'of another condition': x => (x.greater(0).logicalNot() ? x.mul(0) : x),
    'of a reduction': x => (tensor([x, x]).greater(0).all() ? x : x.mul(0)),
  };

  describe.each(Object.entries(unused))('%s', (_, f) => {
    test.each(Object.entries(outermost))('is refused in %s', (_, transform) => {
      expect(id(thrownBy(() => transform(f)(tensor(1, 'float64')))?.thrown)).toBe('CT113');
      expectWorking();
    });

    test('is refused in a transformation inside another', () => {
      for (const outer of Object.values(transformations))
        for (const inner of Object.values(transformations))
          expect(id(thrownBy(() => outer(inner(f))(tensor(1, 'float64')))?.thrown)).toBe('CT113');
    });
  });

  const used: Record<string, Scalar> = {
    where: x => where(x.greater(0), x, x.mul(0)),
    'where with another condition': x => where(x.greater(0).logicalAnd(x.less(9)), x, x.mul(0)),
    'as a number': x => x.mul(x.greater(0).astype('float64')),
    'within a transformation inside': x => {
      const positive = x.greater(0);
      return grad((y: Tensor) => where(positive, y.mul(y), y))(x);
    },
    'of the transformation inside': x =>
      vmap((y: Tensor) => where(y.greater(0), y, y.mul(0)))(tensor([x, x])).sum(),
    'within a compiled function': x => {
      const positive = x.greater(0);
      return jit((y: Tensor) => where(positive, y, y.mul(0)))(x);
    },
    'one of several results of a compiled function': x => {
      const [y] = jit((z: Tensor) => [z.mul(2), z.greater(0)])(x) as [Tensor, Tensor];
      return y;
    },
  };

  test.each(Object.entries(used))('used in %s is fine', (_, f) => {
    for (const transform of Object.values(outermost))
      expect(thrownBy(() => transform(f)(tensor(1, 'float64')))).toBeNull();
  });

  test('made by a rule need not be used', () => {
    // The derivative of max compares; where nothing depends on it, nothing uses the comparison.
    const loss: Scalar = x => {
      maximum(x, 0.5).mul(2);
      return x.sin();
    };
    const batched: Scalar = x => vmap((y: Tensor) => loss(y))(x.reshape([1])).sum();
    for (const f of [loss, batched])
      for (const derivative of [grad(f), (x: Tensor) => jvp(f, [x], [x])[1], grad(grad(f))])
        expect(thrownBy(() => jit(derivative)(tensor(0.3, 'float64')))).toBeNull();
  });

  const read: Record<string, Scalar> = {
    'item()': x => (x.greater(0).item() ? x : x.mul(0)),
    'dataSync()': x => (x.greater(0).dataSync()[0] ? x : x.mul(0)),
    'arraySync()': x => (x.greater(0).arraySync() ? x : x.mul(0)),
    'Number()': x => (Number(x.greater(0)) ? x : x.mul(0)),
    'a comparison': x => ((x.greater(0) as unknown as number) > 0 ? x : x.mul(0)),
    printing: x => (String(x.greater(0)).includes('true') ? x : x.mul(0)),
  };

  test.each(Object.entries(read))(
    'read by %s is fine where values are known, and refused elsewhere',
    (_, f) => {
      const x = tensor(1, 'float64');
      for (const known of [
        'grad',
        'valueAndGrad',
        'vjp',
        'jvp',
        'linearize',
        'hvp',
        'adjoints',
        'checkGrads',
      ])
        expect(
          thrownBy(() => outermost[known](f)(x)),
          known,
        ).toBeNull();
      for (const unknown of ['jit', 'vmap', 'program'])
        expect(thrownBy(() => outermost[unknown](f)(x))?.thrown, unknown).toBeInstanceOf(ConcreteValueNeeded);
    },
  );

  test('returned is fine', () => {
    expect(jit((x: Tensor) => x.greater(0))(1).item()).toBe(1);
    expect(vmap((x: Tensor) => [x, x.greater(0)])(tensor([1, -1]))[1].arraySync()).toEqual([true, false]);
    expect(
      jvp((x: Tensor) => ({ x, positive: x.greater(0) }), [tensor(1)], [tensor(1)])[0].positive.item(),
    ).toBe(1);
    const [, positive] = grad((x: Tensor) => [x.mul(x), x.greater(0)] as const, { hasAux: true })(1);
    expect(positive.item()).toBe(1);
  });

  test('left from a run that failed does not trouble the next', () => {
    const f: Scalar = x => {
      x.greater(0);
      throw reason;
    };
    for (const transform of Object.values(outermost)) {
      expect(thrownBy(() => transform(f)(tensor(1)))?.thrown).toBe(reason);
      expectWorking();
    }
  });

  test('outside a transformation, and of more than one element, is nobody’s business', () => {
    expect(tensor(1).greater(0) ? 'yes' : 'no').toBe('yes');
    expect(
      grad((x: Tensor) => {
        x.greater([0, 1]);
        return x.mul(x);
      })(3).item(),
    ).toBe(6);
  });
});
