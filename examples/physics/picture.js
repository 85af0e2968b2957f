// The flights: as seen, as fitted, as they would be without air, and through the ring.
import { blue, chart, green, grey, orange, svg } from '../picture/chart.js';

/** @param {Record<'seen' | 'fitted' | 'vacuum' | 'aimed', number[][]> & { ring: number[] }} flights */
export function drawFlights({ seen, fitted, vacuum, aimed, ring }) {
  const flown = (/** @type {number[][]} */ path) => [[0, 1.5], ...path.filter(([, height]) => height >= 0)];
  const radius = 0.5;
  const circle = Array.from({ length: 41 }, (_, i) => [
    ring[0] + 0.3 * radius * Math.cos((i / 20) * Math.PI),
    ring[1] + radius * Math.sin((i / 20) * Math.PI),
  ]);
  return svg(
    960,
    430,
    chart({
      x: 64,
      y: 64,
      width: 840,
      height: 290,
      title: 'Flights of a ball: height over distance, in metres',
      label: 'distance',
      from: 0,
      left: 0,
      right: 48,
      series: [
        { name: 'without air', colour: grey, dashed: true, points: flown(vacuum) },
        { name: 'fitted', colour: orange, points: flown(fitted) },
        { name: 'seen', colour: blue, kind: 'points', points: flown(seen).slice(1) },
        { name: 'aimed', colour: green, points: flown(aimed) },
        { name: 'the ring', colour: '#1c2733', points: circle },
      ],
    }),
  );
}
