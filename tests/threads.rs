//! Results are the same bytes for any number of threads.

use ndarray::{ArrayD, IxDyn};
use tcc::Compiler;
use tcc_runtime::pool;

/// Numbers that are alike in no two places.
fn numbers(shape: &[usize], seed: u64) -> ArrayD<f32> {
    let mut state = seed;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
}

const ATTENTION: &str = "s[h,q,k] = sum[d] Q[h,q,d] * K[h,k,d] / 8.0\n\
    P[h,q,k] = softmax[k] s[h,q,k]\n\
    O[h,q,d] = sum[k] P[h,q,k] * V[h,k,d]";

const ORDER_3: &str = "S[i,j,k] = sum[l] Q[i,l] * K[j,l] * V[k,l] / 8.0\n\
    P[i,j,k] = softmax[j,k] S[i,j,k]\n\
    O[i,c] = sum[j,k] P[i,j,k] * K[j,c] * V[k,c]";

const NORM: &str = "m[i] = (sum[j] Q[i,j]) / 1024.0\nd[i,j] = Q[i,j] - m[i]\n\
    v[i] = (sum[j] d[i,j] * d[i,j]) / 1024.0\nO[i,j] = d[i,j] / sqrt(v[i] + 0.00001) * K[j] + V[j]";

/// Programs with the shapes of Q, K and V.
const PROGRAMS: &[(&str, &str, [&[usize]; 3])] = &[
    ("gelu", "O[i] = 0.5 * Q[i] * (1.0 + erf(Q[i] * 0.7071)) + 0.0 * (K[i] + V[i])", [&[300_007]; 3]),
    ("softmax", "O[i,j] = softmax[j] Q[i,j] + K[i,j] - V[i,j]", [&[519, 301]; 3]),
    ("layer normalisation", NORM, [&[611, 1024], &[1024], &[1024]]),
    ("attention", ATTENTION, [&[4, 300, 64]; 3]),
    ("attention of one head", ATTENTION, [&[1, 1100, 64]; 3]),
    ("order-3 attention", ORDER_3, [&[96, 16]; 3]),
    ("a recurrence", "O[t] = Q[t] * O[t-1 | 0.5] + K[t] + V[t]", [&[300_007]; 3]),
    ("recurrences of rows", "O[i,t] = Q[i,t] * O[i,t+1 | 0] + K[i,t] * V[i,t]", [&[61, 7_003]; 3]),
    (
        "running maxima of rows",
        "O[i,t] = max(Q[i,t] + K[i,t], O[i,t-1 | V[i]])",
        [&[61, 7_003], &[61, 7_003], &[61]],
    ),
    ("transposition", "O[k,i,j] = Q[i,j,k] * 1.0 + 0.0 * K[i,j,k] * V[i,j,k]", [&[70, 50, 90]; 3]),
];

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    for level in ["O2", "O3"] {
        let compiler = Compiler::new().level(level).expect("a level");
        for (name, program, shapes) in PROGRAMS {
            let kernel = compiler.jit(program).expect("a program");
            let [q, k, v] = [0, 1, 2].map(|at| numbers(shapes[at], at as u64 + 1));
            let results = [1, 2, 3, 3, 2].map(|threads| {
                pool::set_threads(threads);
                let result: ArrayD<f32> = kernel.call((&q, &k, &v)).expect("a result");
                result.into_iter().map(f32::to_bits).collect::<Vec<u32>>()
            });
            assert!(results[0].iter().any(|bits| f32::from_bits(*bits) != 0.0), "{name}: nothing but 0");
            for result in &results[1..] {
                assert!(*result == results[0], "{name} at {level}");
            }
        }
    }
}
