// Derivatives written by hand, as a yardstick. The formulas are those of GradBench's tool "manual" where that has them;
// the code is this project's own.
// g++ -std=c++17 -O3 -march=native -shared -fPIC -o manual.so manual.cpp
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

using std::vector;
typedef const double* in;
typedef double* out;

extern "C" {

void lse(int n, in x, out g) {
  const double top = *std::max_element(x, x + n);
  double sum = 0;
  for (int i = 0; i < n; i++) sum += g[i] = std::exp(x[i] - top);
  for (int i = 0; i < n; i++) g[i] /= sum;
}

// As GradBench: every power of every point by pow, twice.
void llsq(int n, int m, in x, out g) {
  vector<double> residual(n);
  auto point = [n](int i) { return -1 + i * 2.0 / (n - 1); };
  for (int i = 0; i < n; i++) {
    const double t = point(i);
    double r = (t > 0) - (t < 0);
    for (int j = 0; j < m; j++) r -= x[j] * std::pow(t, j);
    residual[i] = r;
  }
  for (int j = 0; j < m; j++) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += residual[i] * std::pow(point(i), j);
    g[j] = -sum;
  }
}

// The same with powers by multiplication.
void llsq_products(int n, int m, in x, out g) {
  std::fill(g, g + m, 0.0);
  for (int i = 0; i < n; i++) {
    const double t = -1 + i * 2.0 / (n - 1);
    double p = 0;
    for (int j = m - 1; j >= 0; j--) p = p * t + x[j];
    double r = p - ((t > 0) - (t < 0));
    for (int j = 0; j < m; j++, r *= t) g[j] += r;
  }
}

// As GradBench: the gradient is the cofactors, each expanded by minors.
static double minor_of(in a, int n, int m, vector<int>& r, vector<int>& c) {
  const int row = r[n];
  int column = c[n];
  if (m == 1) return a[row * n + column];
  double sum = 0, sign = 1;
  r[n] = r[row];
  int before = n;
  for (int j = 0; j < m; j++) {
    c[before] = c[column];
    sum += sign * a[row * n + column] * minor_of(a, n, m - 1, r, c);
    c[before] = column;
    before = column;
    column = c[column];
    sign = -sign;
  }
  r[n] = row;
  return sum;
}

void det(int n, in a, out g) {
  vector<int> r(n + 1), c(n + 1);
  for (int i = 0; i < n; i++) r[i] = c[i] = i + 1;
  r[n] = c[n] = 0;
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < n; j++) {
      const int above = i == 0 ? n : i - 1, left = j == 0 ? n : j - 1;
      r[above] = i + 1;
      c[left] = j + 1;
      g[i * n + j] = ((i + j) % 2 ? -1 : 1) * minor_of(a, n, n - 1, r, c);
      r[above] = i;
      c[left] = j;
    }
  }
}

// Each minor of the last rows once, and its adjoint.
void det_shared(int n, in a, out g) {
  vector<double> minors(1 << n), adjoints(1 << n);
  minors[0] = 1;
  adjoints[(1 << n) - 1] = 1;
  auto terms = [&](auto use) {
    return [&, use](int set) {
      const int row = n - __builtin_popcount(set);
      double sign = 1;
      for (int j = 0; j < n; j++)
        if (set >> j & 1) {
          use(set, row * n + j, set ^ (1 << j), sign);
          sign = -sign;
        }
    };
  };
  auto forward = terms([&](int set, int at, int rest, double sign) { minors[set] += sign * a[at] * minors[rest]; });
  for (int set = 1; set < 1 << n; set++) forward(set);
  std::fill(g, g + n * n, 0.0);
  auto backward = terms([&](int set, int at, int rest, double sign) {
    g[at] += sign * adjoints[set] * minors[rest];
    adjoints[rest] += sign * adjoints[set] * a[at];
  });
  for (int set = (1 << n) - 1; set > 0; set--) backward(set);
}

// As GradBench: not of the method but of the exact solution's last element, 2ⁿ Πxᵢ / n!.
void ode(int n, in x, out g) {
  double y = 1;
  for (int i = 0; i < n; i++) y *= x[i] * 2 / (i + 1);
  for (int i = 0; i < n; i++) g[i] = y / x[i];
}

// Of the method: Runge and Kutta's steps forward with all stages kept, and their adjoints backward.
void ode_adjoint(int n, int s, in x, out g) {
  const double h = 2.0 / s;
  vector<double> stages(size_t(4) * s * n), y(n), k(n);
  auto slope = [&](in y, out k) {
    k[0] = x[0];
    for (int i = 1; i < n; i++) k[i] = x[i] * y[i - 1];
  };
  const double share[] = {0, h / 2, h / 2, h}, weight[] = {h / 6, h / 3, h / 3, h / 6};
  for (int step = 0; step < s; step++) {
    out stage = &stages[size_t(4) * step * n];
    std::copy(y.begin(), y.end(), stage);
    for (int j = 0; j < 4; j++) {
      slope(stage + size_t(j) * n, k.data());
      if (j < 3)
        for (int i = 0; i < n; i++) stage[size_t(j + 1) * n + i] = stage[i] + share[j + 1] * k[i];
      for (int i = 0; i < n; i++) y[i] += weight[j] * k[i];
    }
  }
  std::fill(g, g + n, 0.0);
  vector<double> ybar(n), kbar(n), stagebar(n), next(n);
  ybar[n - 1] = 1;
  for (int step = s - 1; step >= 0; step--) {
    in stage = &stages[size_t(4) * step * n];
    next = ybar;
    std::fill(stagebar.begin(), stagebar.end(), 0.0);
    for (int j = 3; j >= 0; j--) {
      for (int i = 0; i < n; i++) kbar[i] = weight[j] * ybar[i] + (j < 3 ? share[j + 1] * stagebar[i] : 0);
      g[0] += kbar[0];
      for (int i = 1; i < n; i++) g[i] += kbar[i] * stage[size_t(j) * n + i - 1];
      for (int i = 0; i < n - 1; i++) stagebar[i] = kbar[i + 1] * x[i + 1];
      stagebar[n - 1] = 0;
      for (int i = 0; i < n; i++) next[i] += stagebar[i];
    }
    ybar = next;
  }
}

void kmeans(int n, int k, int d, in points, in centroids, out direction) {
  vector<int> sizes(k);
  vector<double> sums(k * d);
  for (int i = 0; i < n; i++) {
    in p = &points[i * d];
    double least = INFINITY;
    int closest = 0;
    for (int j = 0; j < k; j++) {
      in c = &centroids[j * d];
      double distance = 0;
      for (int l = 0; l < d; l++) distance += (p[l] - c[l]) * (p[l] - c[l]);
      if (distance < least) least = distance, closest = j;
    }
    sizes[closest]++;
    for (int l = 0; l < d; l++) sums[closest * d + l] += p[l];
  }
  for (int j = 0; j < k; j++)
    for (int l = 0; l < d; l++) direction[j * d + l] = centroids[j * d + l] - sums[j * d + l] / sizes[j];
}

static double softmax(int n, in x, out p) {
  const double top = *std::max_element(x, x + n);
  double sum = 0;
  for (int i = 0; i < n; i++) sum += p[i] = std::exp(x[i] - top);
  for (int i = 0; i < n; i++) p[i] /= sum;
  return top + std::log(sum);
}

void gmm(int d, int k, int n, double gamma, int m, in alpha, in mu, in q, in l, in x, out galpha, out gmu, out gq,
         out gl) {
  const int size = d * (d - 1) / 2;
  vector<double> diagonal(d * k), sums(k), terms(k), centred(d), white(d), muterm(k * d), qterm(k * d),
      lterm(size_t(k) * size);
  for (int i = 0; i < k * d; i++) diagonal[i] = std::exp(q[i]), sums[i / d] += q[i];
  std::fill(galpha, galpha + k, 0.0);
  std::fill(gmu, gmu + k * d, 0.0);
  std::fill(gq, gq + k * d, 0.0);
  std::fill(gl, gl + size_t(k) * size, 0.0);
  for (int ix = 0; ix < n; ix++) {
    for (int ik = 0; ik < k; ik++) {
      in diag = &diagonal[ik * d], low = &l[size_t(ik) * size];
      double square = 0;
      for (int i = 0; i < d; i++) centred[i] = x[ix * d + i] - mu[ik * d + i];
      for (int i = 0; i < d; i++) white[i] = diag[i] * centred[i];
      for (int i = 0, at = 0; i < d; i++)
        for (int j = i + 1; j < d; j++) white[j] += low[at++] * centred[i];
      for (int i = 0; i < d; i++) square += white[i] * white[i];
      out tm = &muterm[ik * d], tq = &qterm[ik * d], tl = &lterm[size_t(ik) * size];
      for (int i = 0; i < d; i++) tm[i] = diag[i] * white[i];
      for (int i = 0, at = 0; i < d; i++)
        for (int j = i + 1; j < d; j++) tm[i] += low[at++] * white[j];
      for (int i = 0; i < d; i++) tq[i] = 1 - diag[i] * centred[i] * white[i];
      for (int i = 0, at = 0; i < d; i++)
        for (int j = i + 1; j < d; j++) tl[at++] = -centred[i] * white[j];
      terms[ik] = alpha[ik] + sums[ik] - 0.5 * square;
    }
    softmax(k, terms.data(), terms.data());
    for (int ik = 0; ik < k; ik++) {
      const double p = terms[ik];
      galpha[ik] += p;
      for (int i = 0; i < d; i++) gmu[ik * d + i] += p * muterm[ik * d + i], gq[ik * d + i] += p * qterm[ik * d + i];
      for (int i = 0; i < size; i++) gl[size_t(ik) * size + i] += p * lterm[size_t(ik) * size + i];
    }
  }
  softmax(k, alpha, terms.data());
  for (int ik = 0; ik < k; ik++) galpha[ik] -= n * terms[ik];
  for (int i = 0; i < k * d; i++) gq[i] += m - gamma * gamma * diagonal[i] * diagonal[i];
  for (size_t i = 0; i < size_t(k) * size; i++) gl[i] -= gamma * gamma * l[i];
}

// values: 30 for each observation, then one for each weight.
void ba(int p, in cameras, in points, in weights, in features, const int* cameraOf, const int* pointOf, out values) {
  for (int o = 0; o < p; o++) {
    in c = &cameras[11 * cameraOf[o]], X = &points[3 * pointOf[o]];
    const double w = weights[o];
    double x[3], y[3], byAxis[3][3], byPoint[3][3];
    for (int i = 0; i < 3; i++) x[i] = X[i] - c[3 + i];
    const double square = c[0] * c[0] + c[1] * c[1] + c[2] * c[2];
    if (square > 0) {
      const double angle = std::sqrt(square), co = std::cos(angle), si = std::sin(angle);
      const double u[3] = {c[0] / angle, c[1] / angle, c[2] / angle};
      const double along = u[0] * x[0] + u[1] * x[1] + u[2] * x[2];
      const double cross[3] = {u[1] * x[2] - u[2] * x[1], u[2] * x[0] - u[0] * x[2], u[0] * x[1] - u[1] * x[0]};
      const double K[3][3] = {{0, -u[2], u[1]}, {u[2], 0, -u[0]}, {-u[1], u[0], 0}};
      const double Xc[3][3] = {{0, x[2], -x[1]}, {-x[2], 0, x[0]}, {x[1], -x[0], 0}};  // d cross / d u
      for (int i = 0; i < 3; i++) y[i] = co * x[i] + si * cross[i] + (1 - co) * along * u[i];
      for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
          byPoint[i][j] = co * (i == j) + si * K[i][j] + (1 - co) * u[i] * u[j];
          double byUnit = 0;
          for (int h = 0; h < 3; h++) {
            const double unit = ((h == j) - u[h] * u[j]) / angle;
            byUnit += (si * Xc[i][h] + (1 - co) * (x[h] * u[i] + along * (i == h))) * unit;
          }
          byAxis[i][j] = byUnit + (-si * x[i] + co * cross[i] + si * along * u[i]) * u[j];
        }
    } else {
      const double r[3] = {c[0], c[1], c[2]};
      const double K[3][3] = {{1, -r[2], r[1]}, {r[2], 1, -r[0]}, {-r[1], r[0], 1}};
      const double Xc[3][3] = {{0, x[2], -x[1]}, {-x[2], 0, x[0]}, {x[1], -x[0], 0}};
      for (int i = 0; i < 3; i++) {
        y[i] = K[i][0] * x[0] + K[i][1] * x[1] + K[i][2] * x[2];
        for (int j = 0; j < 3; j++) byPoint[i][j] = K[i][j], byAxis[i][j] = Xc[i][j];
      }
    }
    const double a = y[0] / y[2], b = y[1] / y[2], rr = a * a + b * b, k1 = c[9], k2 = c[10], f = c[6];
    const double L = 1 + k1 * rr + k2 * rr * rr, slope = 2 * k1 + 4 * k2 * rr;
    const double D[2][2] = {{slope * a * a + L, slope * a * b}, {slope * a * b, slope * b * b + L}};
    const double flat[2] = {a, b};
    for (int row = 0; row < 2; row++) {
      out v = &values[30 * size_t(o) + 15 * row];
      const double byY[3] = {D[row][0] / y[2], D[row][1] / y[2], -(D[row][0] * a + D[row][1] * b) / y[2]};
      for (int j = 0; j < 3; j++) {
        double axis = 0, point = 0;
        for (int i = 0; i < 3; i++) axis += byY[i] * byAxis[i][j], point += byY[i] * byPoint[i][j];
        v[j] = w * f * axis;
        v[3 + j] = -w * f * point;
        v[11 + j] = w * f * point;
      }
      v[6] = w * flat[row] * L;
      v[7] = row == 0 ? w : 0;
      v[8] = row == 1 ? w : 0;
      v[9] = w * f * flat[row] * rr;
      v[10] = w * f * flat[row] * rr * rr;
      v[14] = flat[row] * L * f + c[7 + row] - features[2 * o + row];
    }
  }
  for (int o = 0; o < p; o++) values[30 * size_t(p) + o] = -2 * weights[o];
}

// Tangents of the bones' places along the tree, then of the vertices that a finger's parameters move.
void ht(int bones, int vertices, int count, const int* parents, in theta, in us, in base, in inverse, in positions,
        in weights, const int* index, out J) {
  struct M {
    double a[16];
  };
  auto product = [](const double* p, const double* q, double* r) {
    for (int i = 0; i < 4; i++)
      for (int j = 0; j < 4; j++) {
        double sum = 0;
        for (int h = 0; h < 4; h++) sum += p[4 * i + h] * q[4 * h + j];
        r[4 * i + j] = sum;
      }
  };
  const int none = 20;
  vector<M> place(bones), transform(bones);
  vector<vector<M>> dplace(bones), dtransform(bones);
  vector<vector<int>> moved(bones);
  for (int b = 0; b < bones; b++) {
    const int joint = b > 0 && b < bones - 1 ? (b - 1) % 4 : 0, first = 4 * ((b - 1) / 4);
    const int bend = joint == 1 ? first : joint > 1 ? first + joint : none, spread = joint == 1 ? first + 1 : none;
    const double x = bend == none ? 0 : theta[6 + bend], z = spread == none ? 0 : theta[6 + spread];
    const double cx = std::cos(x), sx = std::sin(x), cz = std::cos(z), sz = std::sin(z);
    const double R[16] = {cz, -sz * cx, sz * sx, 0, sz, cz * cx, -cz * sx, 0, 0, sx, cx, 0, 0, 0, 0, 1};
    const double Rx[16] = {0, sz * sx, sz * cx, 0, 0, -cz * sx, -cz * cx, 0, 0, cx, -sx, 0, 0, 0, 0, 0};
    const double Rz[16] = {-sz, -cz * cx, cz * sx, 0, cz, -sz * cx, sz * sx, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const int parent = parents[b];
    auto placed = [&](const double* rotation) {
      M own, r;
      product(&base[16 * b], rotation, own.a);
      if (parent < 0) return own;
      product(place[parent].a, own.a, r.a);
      return r;
    };
    if (parent >= 0)
      for (size_t i = 0; i < moved[parent].size(); i++) {
        M own, r;
        product(&base[16 * b], R, own.a);
        product(dplace[parent][i].a, own.a, r.a);
        dplace[b].push_back(r), moved[b].push_back(moved[parent][i]);
      }
    if (bend != none) dplace[b].push_back(placed(Rx)), moved[b].push_back(bend);
    if (spread != none) dplace[b].push_back(placed(Rz)), moved[b].push_back(spread);
    place[b] = placed(R);
    product(place[b].a, &inverse[16 * b], transform[b].a);
    dtransform[b].resize(dplace[b].size());
    for (size_t i = 0; i < dplace[b].size(); i++) product(dplace[b][i].a, &inverse[16 * b], dtransform[b][i].a);
  }
  // Positions and their 20 tangents, in rows x, y, z.
  vector<double> all(size_t(21) * 3 * vertices);
  auto add = [&](int which, const M& t, int b) {
    for (int i = 0; i < 3; i++) {
      out row = &all[(size_t(which) * 3 + i) * vertices];
      const double* a = &t.a[4 * i];
      in w = &weights[size_t(b) * vertices];
      for (int v = 0; v < vertices; v++)
        row[v] += w[v] * (a[0] * positions[v] + a[1] * positions[vertices + v] + a[2] * positions[2 * vertices + v] +
                          a[3] * positions[3 * vertices + v]);
    }
  };
  for (int b = 0; b < bones; b++) {
    add(20, transform[b], b);
    for (size_t i = 0; i < moved[b].size(); i++) add(moved[b][i], dtransform[b][i], b);
  }
  double G[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, dG[3][3][3] = {};
  const double square = theta[0] * theta[0] + theta[1] * theta[1] + theta[2] * theta[2];
  if (square >= 1e-8) {
    const double angle = std::sqrt(square), c = std::cos(angle), s = std::sin(angle);
    const double u[3] = {theta[0] / angle, theta[1] / angle, theta[2] / angle};
    auto skew = [](const double* v, int i, int j) {
      return i == j ? 0 : (j == (i + 1) % 3 ? -1 : 1) * v[3 - i - j];
    };
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) {
        G[i][j] = c * (i == j) + s * skew(u, i, j) + (1 - c) * u[i] * u[j];
        for (int p = 0; p < 3; p++) {
          double du[3];
          for (int h = 0; h < 3; h++) du[h] = ((h == p) - u[h] * u[p]) / angle;
          dG[p][i][j] = -s * u[p] * (i == j) + c * u[p] * skew(u, i, j) + s * skew(du, i, j) +
                        s * u[p] * u[i] * u[j] + (1 - c) * (du[i] * u[j] + u[i] * du[j]);
        }
      }
  }
  const int extra = us ? 2 : 0;
  auto point = [&](int which, int o, double* r) {
    for (int i = 0; i < 3; i++) {
      in row = &all[(size_t(which) * 3 + i) * vertices];
      if (us) {
        const double u = us[2 * o], v = us[2 * o + 1];
        r[i] = u * row[index[3 * o]] + v * row[index[3 * o + 1]] + (1 - u - v) * row[index[3 * o + 2]];
      } else
        r[i] = row[index[o]];
    }
  };
  auto turned = [](const double (*R)[3], const double* x, out r) {
    for (int i = 0; i < 3; i++) r[i] = -(R[i][0] * x[0] + R[i][1] * x[1] + R[i][2] * x[2]);
  };
  for (int o = 0; o < count; o++) {
    double x[3];
    point(20, o, x);
    for (int p = 0; p < 3; p++) turned(dG[p], x, &J[(size_t(extra + p) * count + o) * 3]);
    for (int p = 0; p < 3; p++)
      for (int i = 0; i < 3; i++) J[(size_t(extra + 3 + p) * count + o) * 3 + i] = -(i == p);
    if (us)
      for (int side = 0; side < 2; side++) {
        for (int i = 0; i < 3; i++) {
          in row = &all[(size_t(60) + i) * vertices];
          x[i] = row[index[3 * o + side]] - row[index[3 * o + 2]];
        }
        turned(G, x, &J[(size_t(side) * count + o) * 3]);
      }
  }
  for (int p = 0; p < 20; p++)
    for (int o = 0; o < count; o++) {
      double x[3];
      point(p, o, x);
      turned(G, x, &J[(size_t(extra + 6 + p) * count + o) * 3]);
    }
}

// Reverse mode through time, all gates kept.
void lstm(int layers, int characters, int b, in main, in extra, in state, in sequence, out g) {
  const int steps = characters - 1;
  auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  // For each step and layer: input, hidden and cell before, four gates, tanh of the cell after.
  vector<double> kept(size_t(steps) * layers * 8 * b), last(size_t(steps) * b), now(state, state + 2 * layers * b), x(b);
  for (int t = 0; t < steps; t++) {
    for (int i = 0; i < b; i++) x[i] = sequence[t * b + i] * extra[i];
    for (int l = 0; l < layers; l++) {
      in w = &main[8 * b * l];
      out h = &now[2 * l * b], c = h + b, k = &kept[(size_t(t) * layers + l) * 8 * b];
      for (int i = 0; i < b; i++) {
        k[i] = x[i], k[b + i] = h[i], k[2 * b + i] = c[i];
        const double f = sigmoid(x[i] * w[i] + w[4 * b + i]), in = sigmoid(h[i] * w[b + i] + w[5 * b + i]);
        const double o = sigmoid(x[i] * w[2 * b + i] + w[6 * b + i]), ch = std::tanh(h[i] * w[3 * b + i] + w[7 * b + i]);
        c[i] = c[i] * f + in * ch;
        const double tc = std::tanh(c[i]);
        h[i] = o * tc;
        k[3 * b + i] = f, k[4 * b + i] = in, k[5 * b + i] = o, k[6 * b + i] = ch, k[7 * b + i] = tc;
        x[i] = h[i];
      }
    }
    std::copy(x.begin(), x.end(), &last[size_t(t) * b]);
  }
  const int total = 8 * layers * b + 3 * b;
  std::fill(g, g + total, 0.0);
  out gextra = g + 8 * layers * b;
  vector<double> bar(2 * layers * b), xbar(b), e(b);
  const double scale = -1.0 / (double(steps) * b);
  for (int t = steps - 1; t >= 0; t--) {
    double sum = 2, gold = 0;
    for (int i = 0; i < b; i++) sum += e[i] = std::exp(last[size_t(t) * b + i] * extra[b + i] + extra[2 * b + i]);
    for (int i = 0; i < b; i++) gold += sequence[(t + 1) * b + i];
    for (int i = 0; i < b; i++) {
      const double p = scale * (sequence[(t + 1) * b + i] - gold * e[i] / sum);
      gextra[b + i] += p * last[size_t(t) * b + i];
      gextra[2 * b + i] += p;
      xbar[i] = p * extra[b + i];
    }
    for (int l = layers - 1; l >= 0; l--) {
      in w = &main[8 * b * l], k = &kept[(size_t(t) * layers + l) * 8 * b];
      out gw = &g[8 * b * l], hbar = &bar[2 * l * b], cbar = hbar + b;
      for (int i = 0; i < b; i++) {
        const double f = k[3 * b + i], in = k[4 * b + i], o = k[5 * b + i], ch = k[6 * b + i], tc = k[7 * b + i];
        const double hidden = hbar[i] + xbar[i], cell = cbar[i] + hidden * o * (1 - tc * tc);
        const double fz = cell * k[2 * b + i] * f * (1 - f), iz = cell * ch * in * (1 - in);
        const double oz = hidden * tc * o * (1 - o), cz = cell * in * (1 - ch * ch);
        gw[i] += fz * k[i], gw[b + i] += iz * k[b + i], gw[2 * b + i] += oz * k[i], gw[3 * b + i] += cz * k[b + i];
        gw[4 * b + i] += fz, gw[5 * b + i] += iz, gw[6 * b + i] += oz, gw[7 * b + i] += cz;
        xbar[i] = fz * w[i] + oz * w[2 * b + i];
        hbar[i] = iz * w[b + i] + cz * w[3 * b + i];
        cbar[i] = cell * f;
      }
    }
    for (int i = 0; i < b; i++) gextra[i] += xbar[i] * sequence[t * b + i];
  }
}
}

// Gradient descent of particle and saddle: value and gradient of f at x, for N unknowns.
template <int N, typename F, typename G>
static void descend(F value, G gradient, out x) {
  double g[N], trial[N], v = value(x), eta = 1e-5;
  gradient(x, g);
  for (int successes = 0;;) {
    double gg = 0, moved = 0;
    for (int i = 0; i < N; i++) gg += g[i] * g[i];
    if (std::sqrt(gg) <= 1e-5) return;
    if (successes == 10) {
      eta *= 2, successes = 0;
      continue;
    }
    for (int i = 0; i < N; i++) trial[i] = x[i] - eta * g[i], moved += (x[i] - trial[i]) * (x[i] - trial[i]);
    if (std::sqrt(moved) <= 1e-5) return;
    const double reached = value(trial);
    if (reached < v) {
      std::copy(trial, trial + N, x);
      v = reached, gradient(x, g), successes++;
    } else
      eta /= 2, successes = 0;
  }
}

// The square of the crossing, and its derivative by w carried along.
static double miss(double w, double* derivative) {
  double x = 0, y = 8, vx = 0.75, vy = 0, dx = 0, dy = 0, dvx = 0, dvy = 0;
  const double dt = 0.1;
  while (y + dt * vy > 0) {
    double ax = 0, ay = 0, dax = 0, day = 0;
    const double py[] = {10 - w, 0}, dpy[] = {-1, 0};
    for (int c = 0; c < 2; c++) {
      const double rx = x - 10, ry = y - py[c], rr = rx * rx + ry * ry, r3 = 1 / (rr * std::sqrt(rr));
      ax += rx * r3, ay += ry * r3;
      if (derivative) {
        const double drx = dx, dry = dy - dpy[c], slope = -3 * (rx * drx + ry * dry) / rr * r3;
        dax += drx * r3 + rx * slope, day += dry * r3 + ry * slope;
      }
    }
    x += dt * vx, y += dt * vy, vx += dt * ax, vy += dt * ay;
    dx += dt * dvx, dy += dt * dvy, dvx += dt * dax, dvy += dt * day;
  }
  const double at = x - y / vy * vx;
  if (derivative) *derivative = 2 * at * (dx - (dy * vx + y * dvx) / vy + y * vx * dvy / (vy * vy));
  return at * at;
}

extern "C" {
void particle(double w, out result) {
  *result = w;
  descend<1>([](in x) { return miss(*x, nullptr); }, [](in x, out g) { miss(*x, g); }, result);
}

void saddle(in start, out result) {
  // max over y of |x|² − |y|²; where it is does not depend on x, but finding it takes the comparisons.
  auto maximise = [start](in x, out y) {
    const double xx = x[0] * x[0] + x[1] * x[1];
    std::copy(start, start + 2, y);
    descend<2>([xx](in y) { return -(xx - (y[0] * y[0] + y[1] * y[1])); },
               [](in y, out g) { g[0] = 2 * y[0], g[1] = 2 * y[1]; }, y);
    return xx - (y[0] * y[0] + y[1] * y[1]);
  };
  std::copy(start, start + 2, result);
  double y[2];
  descend<2>([&](in x) { return maximise(x, y); },
             [&](in x, out g) { maximise(x, y), g[0] = 2 * x[0], g[1] = 2 * x[1]; }, result);
  maximise(result, result + 2);
}
}
