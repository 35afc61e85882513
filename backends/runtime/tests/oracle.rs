//! Matrix products against the `gemm` crate, which computes them in another order.

use tcc_runtime::{Axis, Contraction, ElementType, WORKSPACE_BYTES, contract_with, detect};

/// Compares one product of `m x k` by `k x n`, with `b` transposed or not.
macro_rules! compare {
    ($real:ty, $dtype:expr, $tolerance:expr, $shape:expr, $transposed:expr) => {{
        let [m, n, k]: [usize; 3] = $shape;
        let number = |place: usize| ((place * 7919 % 1009) as $real - 504.0) / 512.0;
        let a: Vec<$real> = (0..m * k).map(number).collect();
        let b: Vec<$real> = (0..k * n).map(|place| number(place + 3)).collect();
        let (mut ours, mut theirs) = (vec![0 as $real; m * n], vec![0 as $real; m * n]);
        let (b_k, b_n) = if $transposed { (1, k) } else { (n, 1) };
        let axes = [
            Axis { extent: m as i64, a: k as i64, b: 0, c: n as i64 },
            Axis { extent: n as i64, a: 0, b: b_n as i64, c: 1 },
            Axis { extent: k as i64, a: 1, b: b_k as i64, c: 0 },
        ];
        let contraction = Contraction::new($dtype, &axes);
        let mut workspace = vec![0_u8; WORKSPACE_BYTES];
        // SAFETY: the operands have the extents and strides given to both.
        unsafe {
            let (pa, pb) = (a.as_ptr(), b.as_ptr());
            let c = ours.as_mut_ptr().cast();
            contract_with(detect(), &contraction, pa.cast(), pb.cast(), c, workspace.as_mut_ptr());
            let (rows, columns) = (n as isize, k as isize);
            let serial = gemm::Parallelism::None;
            let c = theirs.as_mut_ptr();
            gemm::gemm(
                m,
                n,
                k,
                c,
                1,
                rows,
                false,
                pa,
                1,
                columns,
                pb,
                b_n as isize,
                b_k as isize,
                0.0,
                1.0,
                false,
                false,
                false,
                serial,
            );
        }
        for (place, (our, their)) in ours.iter().zip(&theirs).enumerate() {
            // Every factor is below 1: the terms sum to `k` at most, each rounded `k` times at most.
            assert!(
                (our - their).abs() <= $tolerance * (k * k) as $real,
                "{m} {n} {k}, {place}: {our} {their}"
            );
        }
    }};
}

#[test]
fn matrix_products() {
    for shape in
        [[1, 1, 1], [5, 7, 3], [64, 64, 64], [37, 1023, 51], [300, 130, 700], [1, 500, 300], [400, 1, 90]]
    {
        for transposed in [false, true] {
            compare!(f32, ElementType::F32, f32::EPSILON, shape, transposed);
            compare!(f64, ElementType::F64, f64::EPSILON, shape, transposed);
        }
    }
}
