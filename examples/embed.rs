//! tcc inside another program: `cargo run --example embed`.

use ndarray::{Array2, array};

/// Every way to call a kernel.
pub fn main() -> Result<(), tcc::Error> {
    // Sizes and element types come from the arguments; code is made once for each combination.
    let matmul = tcc::jit("C[i,k] += A[i,j] * B[j,k]")?;
    let (a, b) = (array![[1f32, 2.0], [3.0, 4.0]], array![[1f32, 0.0], [1.0, 1.0]]);
    let c: Array2<f32> = matmul.call((&a, &b))?;
    println!("C = {c}");

    // The same into memory of our own: nothing is allocated after the first call.
    let mut into = Array2::<f32>::zeros((2, 2));
    matmul.call_into((&a, &b), &mut into)?;
    assert_eq!(into, c);

    // A whole program with a parameter, operands by name.
    let window = tcc::Compiler::new()
        .compile("param w : int\nin x : f64[n]\nout y : f64[n]\ny[i] = sum[j where i-w < j <= i] x[j]")?
        .with("w", 2)?;
    for output in window.call_named(&[("x", (&array![1.0, 2.0, 3.0]).into())])? {
        println!("{} = {}", output.name, output.to_ndarray::<f64, ndarray::Ix1>()?);
    }

    // Mistakes are values.
    if let Err(error) = matmul.call::<Array2<f32>>((&a, &array![[1f32], [2.0], [3.0]])) {
        println!("refused, {}: {error}", error.code());
    }
    Ok(())
}
