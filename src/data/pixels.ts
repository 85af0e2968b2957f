/** Pixels as tensors, with as many channels as are wanted. */
import type { Tensor } from '../core/tensor.ts';
import { fromTyped } from '../numpy/array.ts';

/** Gray, gray and alpha, RGB, RGB and alpha. */
export type Channels = 1 | 2 | 3 | 4;

/** uint8[height, width, channels] */
export function imageTensor(
  pixels: Uint8Array,
  width: number,
  height: number,
  given: number,
  wanted: number = given,
): Tensor {
  const data = given === wanted ? pixels : converted(pixels, width * height, given, wanted);
  return fromTyped(data, [height, width, wanted], 'uint8');
}

/** Alpha that is missing is 255; alpha that is not wanted is dropped. Gray is the luma of ITU-R BT.601. */
export function converted(pixels: Uint8Array, count: number, given: number, wanted: number): Uint8Array {
  const out = new Uint8Array(count * wanted);
  for (let i = 0; i < count; i++) {
    const from = i * given;
    const to = i * wanted;
    const gray = given < 3;
    const alpha = given === 2 || given === 4 ? pixels[from + given - 1] : 255;
    if (wanted < 3) out[to] = gray ? pixels[from] : luma(pixels[from], pixels[from + 1], pixels[from + 2]);
    else for (let c = 0; c < 3; c++) out[to + c] = pixels[from + (gray ? 0 : c)];
    if (wanted === 2 || wanted === 4) out[to + wanted - 1] = alpha;
  }
  return out;
}

/** 0.299 R + 0.587 G + 0.114 B, rounded. */
const luma = (r: number, g: number, b: number): number => (r * 19595 + g * 38470 + b * 7471 + 32768) >> 16;
