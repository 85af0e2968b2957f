/** Loops and choices: ONNX's Scan, Loop and If, whose subgraphs see the values around them. */
import { range } from '../../core/aval.ts';
import type { Variable } from '../../core/program.ts';
import type { CondParams, Equation, Program, ScanParams, WhileParams } from '../../primitives/primitive.ts';
import { parts } from '../../transforms/derive.ts';
import { type Extent, showExtent } from './extent.ts';
import type { Graph, Value } from './graph.ts';
import type { Subgraph, Typed } from './proto.ts';
import type { Site } from './site.ts';
import type { Traced } from './translate.ts';

interface Translates {
  run(g: Graph, traced: Traced, inputs: readonly Value[]): Value[];
}

/** The name of the axis of examples in the types of subgraphs. */
const batch = 'batch';

const typed = ({ name, type, shape }: Value): Typed => ({
  name,
  type,
  shape: shape.map(extent => showExtent(extent, batch)),
});

/** One of the programs among the parameters, in both traces. */
function programOf<P>(site: Site, of: (params: P) => Program): Traced {
  const from = (equation: Equation): Program => of(equation.params as P);
  return { program: from(site.equation), twin: site.twin === null ? null : from(site.twin) };
}

const operands = (site: Site): Value[] => site.inputs.map((_, i) => site.whole(i));

/** The graph that gives these values, with results of its own names. */
function close(body: Graph, inputs: readonly Value[], results: readonly Value[]): Subgraph {
  const outputs = results.map(result => ({ ...result, name: body.unique('result') }));
  return body.finish(inputs.map(typed), results, outputs.map(typed));
}

const named = (
  names: readonly string[],
  like: readonly Variable[],
  extents: readonly (readonly Extent[])[],
): Value[] => names.map((name, i) => ({ name, type: like[i].aval.dtype, shape: extents[i] }));

export function walk(translator: Translates, site: Site): Value[] {
  const { g } = site;
  const { constants, carries, reverse } = site.equation.params as ScanParams;
  const length = site.extent(equation => (equation.params as ScanParams).length);
  const [fixed, first, sequences] = parts(operands(site), constants, carries);
  // A Scan without sequences does not know how often.
  if (sequences.length === 0) sequences.push(g.expand(g.reshape(g.scalar('int32', 0), [1]), [length]));
  const body = g.inner();
  const states = first.map(value => body.input('carry', value.type, value.shape));
  const slices = sequences.map(value => body.input('slice', value.type, value.shape.slice(1)));
  const traced = programOf<ScanParams>(site, params => params.program);
  const given = [...fixed, ...states, ...slices].slice(0, traced.program.inputs.length);
  const results = translator.run(body, traced, given);
  const stacked = results.length - carries;
  const direction = reverse ? 1 : 0;
  const names = g.node(
    'Scan',
    [...first, ...sequences].map(value => value.name),
    {
      body: close(body, [...states, ...slices], results),
      num_scan_inputs: sequences.length,
      scan_input_directions: sequences.map(() => direction),
      ...(stacked > 0 ? { scan_output_directions: range(stacked).map(() => direction) } : {}),
    },
    results.length,
  );
  return named(names, site.equation.outputs, site.outputExtents);
}

export function repeat(translator: Translates, site: Site): Value[] {
  const { g } = site;
  const { conditionConstants, bodyConstants } = site.equation.params as WhileParams;
  const [ofCondition, ofBody, first] = parts(operands(site), conditionConstants, bodyConstants);
  const condition = programOf<WhileParams>(site, params => params.condition);
  const [begins] = translator.run(g, condition, [...ofCondition, ...first]);
  const body = g.inner();
  const turn = body.input('turn', 'int64', []);
  const holds = body.input('holds', 'bool', []);
  const states = first.map(value => body.input('carry', value.type, value.shape));
  const next = translator.run(
    body,
    programOf<WhileParams>(site, params => params.body),
    [...ofBody, ...states],
  );
  const [goesOn] = translator.run(body, condition, [...ofCondition, ...next]);
  const graph = close(body, [turn, holds, ...states], [goesOn, ...next]);
  // The first input, a limit to the number of turns, is left out.
  const inputs = ['', begins.name, ...first.map(value => value.name)];
  return named(
    g.node('Loop', inputs, { body: graph }, first.length),
    site.equation.outputs,
    site.outputExtents,
  );
}

export function branch(translator: Translates, site: Site): Value[] {
  const { g } = site;
  const [test, ...rest] = operands(site);
  const graphOf = (which: 0 | 1): Subgraph => {
    const body = g.inner();
    const traced = programOf<CondParams>(site, params => params.branches[which]);
    return close(body, [], translator.run(body, traced, rest));
  };
  const names = g.node(
    'If',
    [test.name],
    { then_branch: graphOf(1), else_branch: graphOf(0) },
    site.equation.outputs.length,
  );
  return named(names, site.equation.outputs, site.outputExtents);
}
