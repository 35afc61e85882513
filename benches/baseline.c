/* Straightforward C loop nests of five example programs: what somebody would write in an afternoon.
 * cc -O2 -o baseline baseline.c -lm && ./baseline NAME RUNS    prints the best time in milliseconds. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static uint64_t state = 88172645463325252u;
static float uniform(void) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (float)((double)(state >> 11) / 9007199254740992.0 - 0.5);
}
static float *floats(long n) {
    float *p = malloc(n * sizeof *p);
    for (long i = 0; i < n; i++) p[i] = uniform();
    return p;
}

static __attribute__((noinline)) void kron_attention3(long n, long d, long e, const float *Q, const float *K1, const float *K2,
                            const float *V1, const float *V2, float *S, float *O) {
    for (long i = 0; i < n; i++) {
        float top = -INFINITY, total = 0;
        for (long j = 0; j < n; j++)
            for (long k = 0; k < n; k++) {
                float s = 0;
                for (long l = 0; l < d; l++) s += Q[i * d + l] * K1[j * d + l] * K2[k * d + l];
                s /= d;
                S[j * n + k] = s;
                if (s > top) top = s;
            }
        for (long j = 0; j < n * n; j++) total += S[j] = expf(S[j] - top);
        for (long c = 0; c < e; c++) {
            float o = 0;
            for (long j = 0; j < n; j++)
                for (long k = 0; k < n; k++) o += S[j * n + k] / total * V1[j * e + c] * V2[k * e + c];
            O[i * e + c] = o;
        }
    }
}

static __attribute__((noinline)) void selective_scan(long T, long d, long n, const float *x, const float *dt, const float *z,
                           const float *dtb, const float *D, const float *A, const float *B, const float *C,
                           float *h, float *y) {
    memset(h, 0, d * n * sizeof *h);
    for (long t = 0; t < T; t++)
        for (long c = 0; c < d; c++) {
            float v = dt[t * d + c] + dtb[c];
            float del = fmaxf(v, 0) + log1pf(expf(-fabsf(v)));
            float sum = 0;
            for (long k = 0; k < n; k++) {
                float *s = &h[c * n + k];
                *s = expf(del * A[c * n + k]) * *s + del * B[t * n + k] * x[t * d + c];
                sum += C[t * n + k] * *s;
            }
            float g = z[t * d + c];
            y[t * d + c] = (D[c] * x[t * d + c] + sum) * g / (1 + expf(-g));
        }
}

static __attribute__((noinline)) void wave2d(long T, long nz, long nx, long r, float dth, long sz, long sx, long depth, const float *c,
                   const float *src, const int64_t *rec, float *a, float *b, float *w, float *seis) {
    memset(a, 0, nz * nx * sizeof *a), memset(b, 0, nz * nx * sizeof *b);
    for (long t = 0; t < T; t++) {
        for (long z = 0; z < nz; z++)
            for (long x = 0; x < nx; x++) {
                float up = z + 1 < nz ? a[(z + 1) * nx + x] : 0, down = z ? a[(z - 1) * nx + x] : 0;
                float right = x + 1 < nx ? a[z * nx + x + 1] : 0, left = x ? a[z * nx + x - 1] : 0;
                float k = c[z * nx + x] * dth;
                w[z * nx + x] = 2 * a[z * nx + x] - b[z * nx + x] + dth * dth * src[t] * (z == sz && x == sx) +
                                k * k * (up + down + right + left - 4 * a[z * nx + x]);
            }
        for (long q = 0; q < r; q++) seis[t * r + q] = w[depth * nx + rec[q]];
        float *old = b;
        b = a, a = w, w = old;
    }
}

static __attribute__((noinline)) void equivpoly_int(long n, const int64_t *A, int64_t *tri, int64_t *path, int64_t *c4, int64_t *k4,
                          int64_t *c5, int64_t *noninj) {
    for (long i = 0; i < n; i++) {
        int64_t s = 0, f = 0, m = 0;
        for (long j = 0; j < n; j++)
            for (long k = 0; k < n; k++) {
                s += A[i * n + j] * A[j * n + k] * A[k * n + i];
                if (k != i) m += A[i * n + j] * A[j * n + k];
                for (long l = 0; l < n; l++)
                    f += A[i * n + j] * A[i * n + k] * A[i * n + l] * A[j * n + k] * A[j * n + l] * A[k * n + l];
            }
        tri[i] = s, k4[i] = f, noninj[i] = m;
    }
    for (long i = 0; i < n; i++)
        for (long j = 0; j < n; j++) {
            int64_t s = 0;
            for (long k = 0; k < n; k++)
                for (long l = 0; l < n; l++) s += A[i * n + k] * A[k * n + l] * A[l * n + j];
            path[i * n + j] = s;
            c4[i * n + j] = A[i * n + j] * s;
        }
    int64_t s = 0;
    for (long a = 0; a < n; a++)
        for (long b = 0; b < n; b++)
            for (long c = 0; c < n; c++)
                for (long d = 0; d < n; d++)
                    for (long e = 0; e < n; e++)
                        s += A[a * n + b] * A[b * n + c] * A[c * n + d] * A[d * n + e] * A[e * n + a];
    *c5 = s;
}

static float gelu(float x) { return 0.5f * x * (1 + erff(x / sqrtf(2))); }

static void norm(long T, long c, const float *x, const float *g, const float *b, float *a) {
    for (long t = 0; t < T; t++) {
        float m = 0, v = 0;
        for (long p = 0; p < c; p++) m += x[t * c + p];
        m /= c;
        for (long p = 0; p < c; p++) v += (x[t * c + p] - m) * (x[t * c + p] - m);
        for (long p = 0; p < c; p++) a[t * c + p] = (x[t * c + p] - m) / sqrtf(1e-5f + v / c) * g[p] + b[p];
    }
}

static __attribute__((noinline)) void transformer_block(long T, long c, long H, long e, long f, const float *x, const float *g1,
                              const float *b1, const float *g2, const float *b2, const float *Wqkv,
                              const float *Wo, const float *W1, const float *W2, float *a, float *qkv, float *P,
                              float *o, float *x1, float *hid, float *y) {
    norm(T, c, x, g1, b1, a);
    for (long s = 0; s < 3; s++)
        for (long h = 0; h < H; h++)
            for (long t = 0; t < T; t++)
                for (long k = 0; k < e; k++) {
                    float sum = 0;
                    for (long p = 0; p < c; p++) sum += a[t * c + p] * Wqkv[((p * 3 + s) * H + h) * e + k];
                    qkv[((s * H + h) * T + t) * e + k] = sum;
                }
    for (long h = 0; h < H; h++)
        for (long i = 0; i < T; i++) {
            float top = -INFINITY, total = 0;
            for (long j = 0; j <= i; j++) {
                float s = 0;
                for (long k = 0; k < e; k++) s += qkv[(h * T + i) * e + k] * qkv[((H + h) * T + j) * e + k];
                P[j] = s / sqrtf(e);
                if (P[j] > top) top = P[j];
            }
            for (long j = 0; j <= i; j++) total += P[j] = expf(P[j] - top);
            for (long k = 0; k < e; k++) {
                float s = 0;
                for (long j = 0; j <= i; j++) s += P[j] / total * qkv[((2 * H + h) * T + j) * e + k];
                o[i * H * e + h * e + k] = s;
            }
        }
    for (long t = 0; t < T; t++)
        for (long p = 0; p < c; p++) {
            float s = x[t * c + p];
            for (long q = 0; q < H * e; q++) s += o[t * H * e + q] * Wo[q * c + p];
            x1[t * c + p] = s;
        }
    norm(T, c, x1, g2, b2, a);
    for (long t = 0; t < T; t++) {
        for (long q = 0; q < f; q++) {
            float s = 0;
            for (long r = 0; r < c; r++) s += a[t * c + r] * W1[r * f + q];
            hid[q] = gelu(s);
        }
        for (long p = 0; p < c; p++) {
            float s = x1[t * c + p];
            for (long q = 0; q < f; q++) s += hid[q] * W2[q * c + p];
            y[t * c + p] = s;
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    double best = 1e300;
    int runs = atoi(argv[2]);
    /* Calls go through a barrier, so that no result can be left out. */
#define TIME(call) \
    for (int run = 0; run < runs; run++) { double start = now(); call; __asm__ volatile("" ::: "memory"); double t = now() - start; if (t < best) best = t; }
    if (!strcmp(argv[1], "kron_attention3")) {
        long n = 192, d = 64, e = 48;
        float *Q = floats(n * d), *K1 = floats(n * d), *K2 = floats(n * d), *V1 = floats(n * e), *V2 = floats(n * e);
        float *S = floats(n * n), *O = floats(n * e);
        TIME(kron_attention3(n, d, e, Q, K1, K2, V1, V2, S, O))
    } else if (!strcmp(argv[1], "selective_scan")) {
        long T = 200, d = 48, n = 32;
        float *x = floats(T * d), *dt = floats(T * d), *z = floats(T * d), *dtb = floats(d), *D = floats(d);
        float *A = floats(d * n), *B = floats(T * n), *C = floats(T * n), *h = floats(d * n), *y = floats(T * d);
        TIME(selective_scan(T, d, n, x, dt, z, dtb, D, A, B, C, h, y))
    } else if (!strcmp(argv[1], "wave2d")) {
        long T = 240, nz = 112, nx = 128, r = 40;
        float *c = floats(nz * nx), *src = floats(T), *a = floats(nz * nx), *b = floats(nz * nx);
        float *w = floats(nz * nx), *seis = floats(T * r);
        int64_t *rec = malloc(r * sizeof *rec);
        for (long q = 0; q < r; q++) rec[q] = q * 3;
        TIME(wave2d(T, nz, nx, r, 0.3f, 24, 56, 8, c, src, rec, a, b, w, seis))
    } else if (!strcmp(argv[1], "equivpoly_int")) {
        long n = 136;
        int64_t *A = malloc(n * n * sizeof *A), *tri = malloc(n * 8), *path = malloc(n * n * 8);
        int64_t *c4 = malloc(n * n * 8), *k4 = malloc(n * 8), *c5 = malloc(8), *noninj = malloc(n * 8);
        for (long i = 0; i < n * n; i++) A[i] = uniform() > 0;
        TIME(equivpoly_int(n, A, tri, path, c4, k4, c5, noninj))
    } else if (!strcmp(argv[1], "transformer_block")) {
        long T = 72, c = 80, H = 16, e = 40, f = 128;
        float *x = floats(T * c), *g1 = floats(c), *b1 = floats(c), *g2 = floats(c), *b2 = floats(c);
        float *Wqkv = floats(c * 3 * H * e), *Wo = floats(H * e * c), *W1 = floats(c * f), *W2 = floats(f * c);
        float *a = floats(T * c), *qkv = floats(3 * H * T * e), *P = floats(T), *o = floats(T * H * e);
        float *x1 = floats(T * c), *hid = floats(f), *y = floats(T * c);
        TIME(transformer_block(T, c, H, e, f, x, g1, b1, g2, b2, Wqkv, Wo, W1, W2, a, qkv, P, o, x1, hid, y))
    } else {
        return 2;
    }
    printf("%.4f\n", best);
    return 0;
}
