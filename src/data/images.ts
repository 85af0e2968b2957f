/** Images in folders, one folder for each class. */
import { BadArgument } from '../core/errors.ts';
import { Tensor } from '../core/tensor.ts';
import { builtin } from '../io/builtin.ts';
import { bytesOf } from '../io/source.ts';
import { fromTyped } from '../numpy/array.ts';
import { Dataset } from './dataset.ts';
import { converted, imageTensor } from './pixels.ts';
import { type ImageOptions, isPng, pngIn } from './png.ts';
import { listStage } from './stages/source.ts';

/** Pixels as other packages give them: row by row, 1 to 4 bytes each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

export interface ImageFolderOptions extends ImageOptions {
  /** Decodes what is not PNG: the pixels, or a tensor uint8[height, width, channels]. */
  readonly decode?: (bytes: Uint8Array, path: string) => Pixels | Tensor | Promise<Pixels | Tensor>;
  /** Which files are images. Default .png, .jpg, .jpeg, .webp, .gif, .bmp, in upper case, too. */
  readonly extensions?: readonly string[];
}

export interface LabelledImage {
  /** uint8[height, width, channels] */
  readonly image: Tensor;
  /** int32[]: the position of the folder's name among the classes. */
  readonly label: Tensor;
  readonly path: string;
}

export interface ImageFolder {
  readonly examples: Dataset<LabelledImage>;
  /** The names of the folders, in order. */
  readonly classes: readonly string[];
}

/**
 * The images in a folder that has a folder for each class: `flowers/rose/1.png`, `flowers/tulip/2.png`, …
 *
 * The files are listed now, in the order of their names, and read one by one when they are asked for. PNG is decoded
 * here; for other formats pass a decoder.
 *
 * @param path the folder (in Node)
 * @example
 * import jpeg from 'jpeg-js'
 * const { examples, classes } = await imageFolder('flowers', { decode: bytes => jpeg.decode(bytes), channels: 3 })
 * const batches = examples.map(crop, { concurrency: 4 }).shuffle({ seed: 0 }).batch(32).prefetch(2)
 * @throws BadArgument where there are no images, or some that need a decoder; errors of the file system
 */
export async function imageFolder(path: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
  const { readdir } = builtin('node:fs/promises');
  const { join } = builtin('node:path');
  const extensions = options.extensions ?? ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.bmp'];
  const entries = await readdir(path, { withFileTypes: true });
  const classes = entries
    .filter(entry => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
  const files: { path: string; label: number }[] = [];
  for (const [label, name] of classes.entries()) {
    const inside = (await readdir(join(path, name), { recursive: true })).sort();
    for (const file of inside)
      if (extensions.some(one => file.toLowerCase().endsWith(one)))
        files.push({ path: join(path, name, file), label });
  }
  if (files.length === 0)
    throw new BadArgument({
      did: `imageFolder of '${path}', with ${classes.length} folders in it and no image in them`,
      expected: `a folder for each class, with files that end in ${extensions.join(', ')}`,
      remedy: `name the folder above those of the classes, or { extensions: ['.png'] }`,
    });
  const other = files.find(file => !file.path.toLowerCase().endsWith('.png'));
  if (other !== undefined && options.decode === undefined) throw needsDecoder(other.path);
  const at = async (i: number): Promise<LabelledImage> => {
    const file = files[i];
    const label = fromTyped(Int32Array.of(file.label), [], 'int32');
    return { image: await imageIn(file.path, options), label, path: file.path };
  };
  return { examples: new Dataset(listStage({ length: files.length, at })), classes };
}

const needsDecoder = (path: string): BadArgument =>
  new BadArgument({
    did: `imageFolder: '${path}' is not PNG`,
    expected: 'a decoder for other formats',
    remedy: "imageFolder(path, { decode: bytes => jpeg.decode(bytes) }), or { extensions: ['.png'] }",
  });

async function imageIn(path: string, { decode, channels }: ImageFolderOptions): Promise<Tensor> {
  const bytes = await bytesOf('imageFolder', path);
  const options = channels === undefined ? {} : { channels };
  if (isPng(bytes)) return pngIn(`imageFolder: '${path}'`, bytes, options);
  if (decode === undefined) throw needsDecoder(path);
  const found = await decode(bytes, path);
  if (found instanceof Tensor) {
    const [height, width, given] = found.shape;
    if (channels === undefined || given === channels) return found;
    return imageTensor(
      converted(found.dataSync() as Uint8Array, height * width, given, channels),
      width,
      height,
      channels,
    );
  }
  const { width, height, data } = found;
  const given = data.length / (width * height);
  if (![1, 2, 3, 4].includes(given))
    throw new BadArgument({
      did: `imageFolder: decode of '${path}' gave ${data.length} bytes for ${width}×${height} pixels`,
      expected: '1 to 4 bytes a pixel',
      remedy: 'return { width, height, data }, or a tensor',
    });
  const pixels = new Uint8Array(data.buffer, data.byteOffset, data.length);
  return imageTensor(pixels, width, height, given, channels);
}
