/**
 * Special functions of one real number in float64, and the elementary ones that engines get wrong.
 *
 * Each function is brought to a bounded interval where c + N(t) / D(t) is close to it: a short exact
 * constant c and a small rational correction, so that the rounding of the correction hardly shows.
 * tools/coefficients/special.py derives N and D. Errors are the largest ones measured
 * (tools/coefficients/measure.py, docs/accuracy.md), in units in the last place.
 */

// Coefficients, from tools/coefficients/special.py
const ln2Head = 0.6931471805598903;
const ln2Tail = 5.497923018708371e-14;
const psiRoot = 0.46163214496836247;
const psiRootTail = -1.2654465062537432e-16;
const expTail = [
  0.5, 0.1666666666666667, 0.0416666666666667, 0.008333333333326, 0.0013888888888867, 0.000198412698754,
  2.4801587371e-5, 2.75572547e-6, 2.7557225e-7, 2.51055e-8, 2.0933e-9,
];
const logTail = [
  0.6666666666666666, 0.400000000000009, 0.28571428570782, 0.2222222239655, 0.18181795124, 0.153862677,
  0.13268026, 0.130944,
];
const erfNear = [
  0.12837916709551256, -0.37612638903183754, 0.11283791670955003, -0.02686617064506224, 0.0052239776234693,
  -0.000854832669928, 0.00012055300519, -1.492363462e-5, 1.6386196e-6, -1.476827e-7,
];
const erfcMiddle = [
  [
    -0.09840482790353706, 0.13234289472177346, 0.2637400991523565, 0.19110742460130992, 0.0767309679506723,
    0.01846076548983304, 0.0025352502245780933, 0.0001560158958770447,
  ],
  [
    1, 2.3068282609302697, 2.359573227872792, 1.3914548585044504, 0.5127918187149191, 0.11864344877327362,
    0.016052403970761034, 0.000987807841808234,
  ],
];
const erfcFar = [
  [
    0.0016895835477562704, -0.21919196666008886, -9.193823584879649, -127.0879899129688, -800.6756009269483,
    -2434.880743351, -3404.8131190243935, -1857.67640487507, -255.12994977525,
  ],
  [
    1, 37.229780792612466, 524.0116649579611, 3573.2688008653035, 12591.687685523524, 22677.049161122344,
    19353.52099337928, 6564.1531879281, 568.3492319539,
  ],
];
const erfinvNear = [
  [
    -0.002422125722543696, 0.3970532561653043, -1.4429383964621216, 1.8667043546461013, -1.0158079272098248,
    0.2131134683981938, -0.011499444041259,
  ],
  [
    1, -4.542953093132857, 7.762631998045991, -6.183468282984443, 2.301782278305782, -0.3473333405317,
    0.01373870038949,
  ],
];
const erfinvFar = [
  [-0.025498912225, -0.82706727731, -0.890025118185, -0.091476231723, -0.0003061493473],
  [1, 1.26607319464, 2.0258526551, 0.71799432503, 0.039502269034],
];
const lgammaNear = [
  [
    0.13729053670582336, 0.2623815187200929, -0.41682285210847103, -1.4097181461273616, -1.268516657341133,
    -0.46806309884144204, -0.06675508168003767, -0.00255082954309759,
  ],
  [
    1, 5.132978858713728, 10.298769069747953, 10.234345140918203, 5.271501477717633, 1.345151142764368,
    0.1466973264940845, 0.0046503309789888,
  ],
];
const lgammaMiddle = [
  [
    0.04562895054098089, -0.05528082504590856, -0.1585955591272806, -0.101006821089211, -0.02531875233926415,
    -0.002446721917177451, -6.4632197361989e-5,
  ],
  [
    1, 1.9873144087974477, 1.5025820940952632, 0.5389924235339818, 0.09304817616456935, 0.00687919985415538,
    0.00015120690562374,
  ],
];
const stirlingConstant = 0.4189385332046727;
const lgammaFar = [
  [
    0.08333333333333333, 1.0662103790074469, 3.9363018268115275, 4.820336694018418, 1.66323856733477,
    0.07885696210623,
  ],
  [1, 12.827857881422537, 47.653693374971546, 59.31746955138462, 21.5637939292742, 1.333956700165],
];
const digammaNear = [
  [
    0.5258738485383445, 0.034799857811971764, -0.8305707334326264, -0.6469374432688285, -0.19217527744259885,
    -0.025216902447546707, -0.001347483236591812, -2.0580210174257e-5,
  ],
  [
    1, 2.781107915452953, 2.701439788543452, 1.2178971230810474, 0.2750996486784234, 0.030458259722139017,
    0.001454159528917326, 2.0715731077745e-5,
  ],
];
const digammaFar = [
  [
    0.08333333333333326, 1.5265158318013932, 8.969259726573686, 20.64281735189045, 18.136513112569652,
    4.90172076580154, 0.184814856002,
  ],
  [
    1, 18.418189981615505, 109.42531666972745, 257.82928319218325, 239.04035861185372, 74.4970229782697,
    4.892434205221,
  ],
];
const cotTail = [
  [4, -3.217321043597226, 0.6055406442236935, -0.0306426847563647, 0.0002164934044013],
  [1, -1.7391324614439858, 0.581536614686485, -0.0548575996227627, 0.001194826308544],
];
const tanhNear = [
  [-0.3333333333333333, -0.02050169562939164, -0.00019930638397663],
  [1, 0.4615050868881738, 0.0232951920024792, 0.0002066711984053],
];
const acoshNear = [
  [-0.08333333333333333, -0.06823877514402696, -0.016481808955336578, -0.00112117014428677, -4.1488608653e-6],
  [1, 1.0438653017282973, 0.3656871146400523, 0.048618406516074, 0.0018973852481085],
];

// End of coefficients

const bits = new DataView(new ArrayBuffer(8));

/** 2ⁿ for −1022 ≤ n ≤ 1023, exactly (engines' pow need not be exact). */
function powerOfTwo(n: number): number {
  bits.setInt32(0, (n + 1023) << 20);
  return bits.getFloat64(0);
}

/** Horner's rule, coefficients from the constant on. */
function polynomial(c: number[], t: number): number {
  let sum = 0;
  for (let i = c.length; i--; ) sum = sum * t + c[i];
  return sum;
}

function ratio(c: number[][], t: number): number {
  return polynomial(c[0], t) / polynomial(c[1], t);
}

/** a · b − p for p the rounded product, to 24 bits and more. */
function productTail(a: number, b: number, p: number): number {
  const aHead = Math.fround(a);
  const bHead = Math.fround(b);
  return aHead * bHead - p + aHead * (b - bHead) + (a - aHead) * b;
}

/**
 * (q + qTail) · exp(h + hTail) with about one rounding, into the subnormal range; q must have at most 24
 * bits. exp(h) = 2ᵏ exp(r); 1 + r is held as a head of 24 bits and a tail, so that head · q is exact.
 */
function timesExp(q: number, qTail: number, h: number, hTail: number): number {
  const k = Math.round(h / Math.LN2);
  const high = h - k * ln2Head;
  const low = hTail - k * ln2Tail;
  const r = high + low;
  const head = Math.fround(1 + r);
  const tail = 1 - head + r + (r * r * polynomial(expTail, r) + (high - r + low));
  const half = k >> 1;
  return (head * q + (head * qTail + tail * (q + qTail))) * powerOfTwo(half) * powerOfTwo(k - half);
}

/**
 * The error function 2/√π ∫₀ˣ exp(−t²) dt, odd. 1.01 ULP. x + x g(x²) below 0.477, where erf is ½, 1 −
 * erfc(x) above.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 0.477) return x + x * polynomial(erfNear, x * x);
  return x < 0 ? erfc(a) - 1 : 1 - erfc(a);
}

/**
 * The complement 1 − erf(x), without cancellation, down to the smallest subnormal number at x = 27.22.
 * 1.25 ULP. From 0.47 on exp(−x²) f(x) / x with f rational in x or in 1/x². With x = h + l, h of 24 bits,
 * h² is exact and x² = h² + l (x + h), so the rounding of x² does not enter.
 */
export function erfc(x: number): number {
  if (x < 0.47) return 1 - erf(x);
  if (x > 28) return 0;
  const [c, d] = x < 2.2 ? [0.40625, ratio(erfcMiddle, x - 0.5)] : [0.5625, ratio(erfcFar, 1 / (x * x))];
  const h = Math.fround(x);
  const l = x - h;
  const f = c + d;
  const q = Math.fround(f / x);
  const qTail = (f - q * h - q * l + (c - f + d)) / x;
  return timesExp(q, qTail, -h * h, -l * (x + h));
}

/**
 * The inverse of erf on [−1, 1], odd; ±∞ at ±1, NaN outside. 0.94 ULP. y + y g(y²) to 0.6; beyond, a fit
 * in √(−log(1 − |y|)) of 23 bits and one step of Halley's method on erfc.
 */
export function erfinv(y: number): number {
  const a = Math.abs(y);
  if (a <= 0.6) return y && y + y * ratio(erfinvNear, y * y - 0.375);
  if (a >= 1) return a === 1 ? y * Infinity : NaN;
  const s = Math.sqrt(-Math.log(1 - a));
  const x = s + ratio(erfinvFar, s);
  const newton = (erfc(x) - (1 - a)) * Math.exp(x * x) * (Math.sqrt(Math.PI) / 2);
  const root = x + newton / (1 - x * newton);
  return y < 0 ? -root : root;
}

/**
 * lgamma(1 + z) = z (z − 1) g(z) for −0.371 < z ≤ 1.5, to relative accuracy at its zeros 0 and 1. The
 * product z (z − 1) is held as a head of 48 bits and a tail, so that head times the constant of g is
 * exact.
 */
function lgammaOnePlus(z: number): number {
  const [c, d] = z < 0.5 ? [0.5625, ratio(lgammaNear, z + 0.375)] : [0.4375, ratio(lgammaMiddle, z - 0.5)];
  const zHead = Math.fround(z);
  const w = z - 1;
  const wHead = Math.fround(w);
  const head = zHead * wHead;
  const tail = zHead * (w - wHead + (z - (w + 1))) + (z - zHead) * w;
  return head * c + (head * d + tail * (c + d));
}

/**
 * log |Γ(x)|; ∞ at 0, −1, −2, … and ±∞. 1.97 ULP for x > −2. Below, where the function has zeros, the
 * error is 2.55 ULP of max(1, |lgamma(x)|).
 *
 * From 2.5 on Stirling's series (x − ½)(log x − 1) + ½ (log 2π − 1) + g(1/x²)/x, in which nothing cancels,
 * with log x to twice the precision; to −4 the recurrence Γ(x + 1) = x Γ(x); below, the reflection Γ(x)
 * Γ(−x) = −π / (x sin πx).
 */
export function lgamma(x: number): number {
  if (x > 2.56e305) return Infinity;
  if (x >= 2.5) {
    const k = Math.round(Math.log2(x));
    const f = x * powerOfTwo(-k) - 1;
    const s = f / (2 + f);
    const square = 0.5 * f * f;
    const scaled = k * ln2Head - 1;
    const high = scaled + f;
    const low =
      scaled - high + f + (k * ln2Tail - (square - s * (square + s * s * polynomial(logTail, s * s))));
    const log = high + low;
    const rest = (x - 0.5) * (high - log + low) + (stirlingConstant + ratio(lgammaFar, 1 / x / x) / x);
    return (x - 0.5) * log + rest;
  }
  if (x < -4) {
    const r = x - Math.round(x);
    return r ? Math.log(Math.PI / Math.abs(x * Math.sin(Math.PI * r))) - lgamma(-x) : Infinity;
  }
  if (x >= 0.63) return lgammaOnePlus(x - 1);
  let z = x;
  let product = x;
  let tail = 0;
  while (z < -0.37) {
    const next = product * ++z;
    tail = tail * z + productTail(product, z, next);
    product = next;
  }
  return lgammaOnePlus(z) - (tail && tail / product) - Math.log(Math.abs(product));
}

/** digamma(1 + z) = (z − root) (1 + g(z)) for −¼ ≤ z ≤ 1, to relative accuracy at the root. */
function digammaOnePlus(z: number): number {
  const d = ratio(digammaNear, z + 0.25);
  const far = z - psiRoot;
  return far + (far * d - psiRootTail * (1 + d));
}

/**
 * ψ(x) = Γ′(x) / Γ(x); ∓∞ at ±0, NaN at −1, −2, … 1.92 ULP for x > 0, its root at 1.4616… included. For x
 * < 0, which has a root between any two poles, the worst is next to the roots: 4.99 ULP of max(1, |ψ(x)|)
 * down to −20, 13.38 down to −10⁵.
 *
 * (x − root) g(x) on [¾, 2], log x − 1/(2x) − g(1/x²)/x² beyond, ψ(x + 1) − 1/x below, and ψ(1 − x) − π
 * cot πx for x < 0.
 */
export function digamma(x: number): number {
  if (x < 0) {
    const r = x - Math.round(x);
    return r ? digamma(1 - x) + r * ratio(cotTail, r * r - 0.25) - 1 / r : NaN;
  }
  if (x < 0.75) return digammaOnePlus(x) - 1 / x;
  if (x < 2) return digammaOnePlus(x - 1);
  const w = 1 / x / x;
  return Math.log(x) - (0.5 / x + w * ratio(digammaFar, w));
}

/** The nearest integer, ties to the even one; keeps −0 (IEEE 754 roundToIntegralTiesToEven). */
export function roundHalfEven(x: number): number {
  const a = Math.abs(x);
  if (!(a < 4503599627370496) || a === 0) return x;
  const rounded = a + 4503599627370496 - 4503599627370496;
  return x < 0 ? -rounded : rounded;
}

/** Hyperbolic sine. Engines compute exp(x/2)² near the overflow, with 2.4 ULP; exp(x) / 2 at once has 0.62. */
export function sinh(x: number): number {
  const a = Math.abs(x);
  return a > 709 && a < 711 ? timesExp(x < 0 ? -0.5 : 0.5, 0, a, 0) : Math.sinh(x);
}

/** Hyperbolic cosine, near the overflow as sinh. */
export function cosh(x: number): number {
  const a = Math.abs(x);
  return a > 709 && a < 711 ? timesExp(0.5, 0, a, 0) : Math.cosh(x);
}

/** Hyperbolic tangent. 1.32 ULP (Math.tanh 2.2). x + x³ g(x²) below 0.55, 1 − 2 / (exp(2x) + 1) above. */
export function tanh(x: number): number {
  const a = Math.abs(x);
  const u = x * x;
  if (a < 1e-8) return x;
  if (a < 0.55) return x + x * (u * ratio(tanhNear, u));
  const y = 1 - 2 / (Math.exp(2 * a) + 1);
  return x < 0 ? -y : y;
}

/** Inverse hyperbolic cosine. 1.20 ULP (Math.acosh 2.2). √(2t) (1 + t g(t)) with t = x − 1 below ½. */
export function acosh(x: number): number {
  const t = x - 1;
  const root = Math.sqrt(2 * t);
  return t < 0.5 ? root + root * (t * ratio(acoshNear, t)) : Math.acosh(x);
}

/**
 * x to the power y. 0.94 ULP. Math.pow loses up to ten bits where |x| is within 2⁻²⁰ of 1 and |y| above
 * 2³¹; there exp(y log |x|) is computed with a product exact to twice the precision.
 */
export function pow(x: number, y: number): number {
  const t = Math.abs(x) - 1;
  const h = t * y;
  if (!(Math.abs(y) > 2147483647 && Math.abs(t) < 2 ** -20 && h && Math.abs(h) < 700)) return x ** y;
  const logTail = t * t * (t * (1 / 3 - t / 4) - 0.5);
  return Math.sign(x) ** y * timesExp(1, 0, h, productTail(t, y, h) + y * logTail);
}
