//! What small programs mean: each row is a program, its operands, and what must come out.

use std::collections::BTreeMap;
use tcc_frontend::{Operand, Options, compile};
use tcc_ir::{Bindings, Ir, Reference, Tensor, Value};

/// An operand: shape and elements.
type Given<'a> = (&'a str, &'a [usize], &'a [f64]);

/// Evaluates a program; the answer is the elements of its outputs, complex numbers as two.
fn eval(source: &str, given: &[Given<'_>], params: &[(&str, i64)]) -> Result<Vec<Vec<f64>>, String> {
    let expression = !source.contains("out ");
    let operands = given.iter().map(|(name, shape, _)| Operand {
        name: (*name).into(),
        dtype: tcc_ir::Dtype::F64,
        shape: Some(shape.to_vec()),
    });
    let options = Options { expression, operands: operands.collect(), ..Options::default() };
    let program = compile(source, &options).map_err(|list| {
        list.iter().map(|d| format!("{}: {}", d.code, d.message)).collect::<Vec<_>>().join("; ")
    })?;
    let given: BTreeMap<&str, &Given<'_>> = given.iter().map(|row| (row.0, row)).collect();
    let mut inputs = Vec::new();
    for input in &program.graph.inputs {
        let (_, shape, numbers) = given.get(&*input.name).ok_or(format!("no operand {}", input.name))?;
        let tensor = if input.ty.dtype.is_int() || input.ty.dtype == tcc_ir::Dtype::Bool {
            let value = |&x: &f64| {
                if input.ty.dtype.is_int() { Value::Int(x as i64) } else { Value::Bool(x != 0.0) }
            };
            Tensor::from_values(input.ty.dtype, shape, numbers.iter().map(value).collect())
        } else {
            Tensor::<Reference>::from_f64s(input.ty.dtype, shape, numbers)
        };
        inputs.push(tensor.ok_or("the operand does not fit")?);
    }
    let bindings: Bindings = params.iter().map(|(name, value)| ((*name).into(), *value)).collect();
    let outputs = program.graph.eval::<Reference>(&inputs, &bindings).map_err(|e| format!("run: {e}"))?;
    let numbers = |value: &Value<Reference>| match *value {
        Value::Bool(b) => vec![f64::from(u8::from(b))],
        Value::Int(i) => vec![i as f64],
        Value::Real(r) => vec![r],
        Value::Complex(re, im) => vec![re, im],
    };
    Ok(outputs.iter().map(|tensor| tensor.data.iter().flat_map(numbers).collect()).collect())
}

#[track_caller]
fn means(source: &str, given: &[Given<'_>], expected: &[f64]) {
    let got = eval(source, given, &[]).unwrap_or_else(|error| panic!("{source}\n{error}"));
    let got = got.concat();
    let near =
        |a: f64, b: f64| (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= 1e-12 * b.abs().max(1.0);
    let same = got.len() == expected.len() && got.iter().zip(expected).all(|(a, b)| near(*a, *b));
    assert!(same, "{source}\n{got:?}, not {expected:?}");
}

#[track_caller]
fn fails(source: &str, given: &[Given<'_>], params: &[(&str, i64)], words: &str) {
    match eval(source, given, params) {
        Ok(got) => panic!("{source}\nis accepted: {got:?}"),
        Err(error) => assert!(error.contains(words), "{source}\n{error}"),
    }
}

const X: Given<'_> = ("x", &[4], &[3.0, 1.0, 4.0, 2.0]);
const A: Given<'_> = ("A", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
const INF: f64 = f64::INFINITY;

#[test]
fn sums_scopes_and_shadowing() {
    means("y[i] += A[i,j]", &[A], &[6.0, 15.0]);
    means("y = sum[i,j] A[i,j]*2 + 1", &[A], &[43.0]);
    means("y[i] = sum[j] A[i,j]/sum[j] A[i,j]", &[A], &[1.0, 1.0]);
    means("y[i] = x[i] / sum[i] x[i]", &[X], &[0.3, 0.1, 0.4, 0.2]);
    means("y = sum[i] (x[i] * sum[i] x[i])", &[X], &[100.0]);
    means("fn total(v) = sum[j:3] v*j\ny[j] = total(x[j])", &[X], &[9.0, 3.0, 12.0, 6.0]);
    means("y = sum[i:5] 2", &[], &[10.0]);
    means("y = prod[i:5] 2", &[], &[32.0]);
    means("y = mean[i:5] 2", &[], &[2.0]);
    means("y[j,i] = A[i,j]", &[A], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
}

#[test]
fn guards_and_empty_reductions() {
    means("y = sum[i where x[i] > 1, i < 3] x[i]", &[X], &[7.0]);
    means("y = max[i where x[i] > 9] x[i]", &[X], &[-INF]);
    means("y = mean[i where x[i] > 9] x[i]", &[X], &[f64::NAN]);
    means("y = mean[i where x[i] > 1] x[i]", &[X], &[3.0]);
    means("y = logsumexp[i where x[i] > 9] x[i]", &[X], &[-INF]);
    means("y[i] = softmax[i where x[i] > 9] x[i]", &[X], &[0.0; 4]);
    means("y = any[i] (x[i] > 3)\nz = all[i] (x[i] > 3)", &[X], &[1.0, 0.0]);
    means("y = all[i where x[i] > 9] (x[i] > 100)", &[X], &[1.0]);
    means("y = argmax[i] x[i]\nz = argmin[i] x[i]", &[X], &[2.0, 1.0]);
    means("y = argmax[i where x[i] < 4] x[i]", &[X], &[0.0]);
    means("y = argmin[i where i > 1] x[i]", &[X], &[3.0]);
    means("y = argmax[i] x[i]", &[("x", &[3], &[1.0, f64::NAN, 5.0])], &[1.0]);
    means("y = argmax[i where i != 0] x[i]", &[("x", &[3], &[1.0, 5.0, f64::NAN])], &[2.0]);
    fails("y = argmax[i where x[i] > 9] x[i]", &[X], &[], "E0510");
    fails("y = max[i where x[i] > 9] i", &[X], &[], "E0510");
}

#[test]
fn places_outside() {
    means("y[i:4] = x[i-1 | 9]", &[X], &[9.0, 3.0, 1.0, 4.0]);
    means("y[i] = x[i+1 | x[i]]", &[X], &[1.0, 4.0, 2.0, 2.0]);
    means("y[i:6] = x[i | 0]", &[X], &[3.0, 1.0, 4.0, 2.0, 0.0, 0.0]);
    means("y[i:2] = x[i]", &[X], &[3.0, 1.0]);
    means("y[i] = if i == 0 then 0 else x[i] - x[i-1]", &[X], &[0.0, -2.0, 3.0, -2.0]);
    means("y = sum[i where i > 0 and x[i-1] > 1] x[i]", &[X], &[3.0]);
    means("y[i] = [i > 0 and x[i-1] > 1]*x[i]", &[X], &[0.0, 1.0, 0.0, 2.0]);
    means("y[i:4] = x[3-i]", &[X], &[2.0, 4.0, 1.0, 3.0]);
    means("y[i:2,j:2] = x[(i j)]", &[X], &[3.0, 1.0, 4.0, 2.0]);
    means("y[(j i)] = A[i,j]", &[A], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    means("y[i:3] = 1.5", &[], &[1.5; 3]);
    means("c[i:3] = 7\ny[i:3] = c[i-1 | 0]", &[], &[0.0, 7.0, 7.0]);
    fails("in x : f64[n]\nout y : f64\ny = x[3]", &[("x", &[2], &[1.0, 2.0])], &[], "E0214");
    fails("param k : int\nin x : f64[n]\nout y : f64\ny = x[k]", &[X], &[("k", 4)], "E0214");
    fails(
        "in x : f64[n]\nin k : i64[m]\nout y : f64[m]\ny[j] = x[k[j]]",
        &[X, ("k", &[1], &[-1.0])],
        &[],
        "E0508",
    );
}

#[test]
fn checks_respect_guards() {
    let k: Given<'_> = ("k", &[4], &[0.0, -1.0, 9.0, 3.0]);
    let head = "in x : f64[n]\nin k : i64[m]\n";
    means(&format!("{head}out y : f64\ny = sum[j where 0 <= k[j] < 4] x[k[j]]"), &[X, k], &[5.0]);
    means(&format!("{head}out y : f64[m]\ny[j] = x[k[j] | -1]"), &[X, k], &[3.0, -1.0, -1.0, 2.0]);
    means(
        &format!("{head}out y : i64[m]\ny[j] = if k[j] == 0 then 0 else 7 mod k[j]"),
        &[X, k],
        &[0.0, 0.0, 7.0, 1.0],
    );
    fails(&format!("{head}out y : i64[m]\ny[j] = 7 mod k[j]"), &[X, k], &[], "E0509");
    fails(&format!("{head}out y : i64[m]\ny[j] = 2^k[j]"), &[X, k], &[], "E0512");
    fails("in x : f64[n]\nparam p : int\nout y : i64[n]\ny[i] = i mod p", &[X], &[("p", 0)], "E0308");
}

#[test]
fn scatters_and_diagonals() {
    let (dst, m): (Given<'_>, Given<'_>) = (("dst", &[3], &[1.0, 1.0, 0.0]), ("m", &[3], &[5.0, 6.0, 7.0]));
    let head = "in dst : i64[e]\nin m : f64[e]\n";
    means(&format!("{head}out y : f64[3]\ny[dst[k]] += m[k]"), &[dst, m], &[7.0, 11.0, 0.0]);
    means(&format!("{head}out y : f64[3]\ny[dst[k]] max= m[k]"), &[dst, m], &[7.0, 6.0, -INF]);
    means(&format!("{head}out y : f64[3]\ny[dst[k]] *= m[k]"), &[dst, m], &[7.0, 30.0, 1.0]);
    means(&format!("{head}out y : i64[3]\ny[dst[k]] += 1"), &[dst, m], &[1.0, 2.0, 0.0]);
    means(&format!("{head}out y : f64[3]\ny[dst[k]] += m[k]\ny[2] += 100"), &[dst, m], &[7.0, 11.0, 100.0]);
    means(&format!("{head}out y : f64[3]\ny[dst[k]] += m[k]\ny[k] += m[k]"), &[dst, m], &[12.0, 17.0, 7.0]);
    fails(&format!("{head}out y : f64[1]\ny[dst[k]] += m[k]"), &[dst, m], &[], "E0508");
    means("D[i,i] = x[i]", &[("x", &[2], &[3.0, 4.0])], &[3.0, 0.0, 0.0, 4.0]);
    means("out y : f64[6]\nin A : f64[2,3]\ny[i+j] += A[i,j]", &[A], &[1.0, 6.0, 8.0, 6.0, 0.0, 0.0]);
    means("D[i,i] += A[i,j]", &[A], &[6.0, 0.0, 0.0, 15.0]);
}

#[test]
fn recurrences() {
    means("in x : f64[T]\nout h : f64[T]\nh[t] = h[t-1 | 0] + x[t]", &[X], &[3.0, 4.0, 8.0, 10.0]);
    means("in x : f64[T]\nout h : f64[T]\nh[t] = h[t+1 | 0] + x[t]", &[X], &[10.0, 7.0, 6.0, 2.0]);
    means("out f : i64[8]\nf[t] = f[t-1 | 1] + f[t-2 | 0]", &[], &[1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0]);
    means(
        "in x : f64[T]\nout a, b : f64[T]\na[t] = b[t-1 | 1] + x[t]\nb[s] = 2*a[s]",
        &[X],
        &[4.0, 9.0, 22.0, 46.0, 8.0, 18.0, 44.0, 92.0],
    );
    means(
        "in x : f64[T]\nout h : f64[T]\nh[t] = if t == 0 then x[t] else h[t-1]*x[t]",
        &[X],
        &[3.0, 3.0, 12.0, 24.0],
    );
    means(
        "in A : f64[T,n]\nout h : f64[T,n]\nh[t,i] = h[t-1,i-1 | 0] + A[t,i]",
        &[A],
        &[1.0, 2.0, 3.0, 4.0, 6.0, 8.0],
    );
    means(
        "in e : i64[T]\nout h : f64[T,2]\nh[t,e[t]] += 1 + h[t-1,e[t] | 0]",
        &[("e", &[3], &[0.0, 0.0, 1.0])],
        &[1.0, 0.0, 2.0, 0.0, 0.0, 1.0],
    );
    fails(
        "in e : i64[T]\nin x : f64[T]\nout h : f64[T]\nvar g : i64[T]\nh[t] = x[g[t]] + h[t-1 | 0]\ng[t] = e[t] + i64(h[t-1 | 0])",
        &[("e", &[3], &[0.0, 0.0, 0.0]), ("x", &[3], &[5.0, 1.0, 0.0])],
        &[],
        "E0508",
    );
    means(
        "in x : f64[T]\nout h : f64[T]\nh[t] += x[t]*[j < 2] + h[t-1 | 0]*[j == 0]*x[j]*0",
        &[X],
        &[6.0, 2.0, 8.0, 4.0],
    );
}

#[test]
fn numbers_and_dtypes() {
    means("out y : i64[5]\ny[i] = (i-3) div 2", &[], &[-2.0, -1.0, -1.0, 0.0, 0.0]);
    means("out y : i64[5]\ny[i] = (i-3) mod 2", &[], &[1.0, 0.0, 1.0, 0.0, 1.0]);
    means("y = 7/2", &[], &[3.5]);
    means("y = -2^2\nz = 2^3^2", &[], &[-4.0, 512.0]);
    means("in b : u8[2]\nout y : u8[2]\ny[i] = b[i] + 1", &[("b", &[2], &[255.0, 3.0])], &[0.0, 4.0]);
    means("in b : u8[2]\nout y : i64\ny = sum[i] b[i]", &[("b", &[2], &[255.0, 3.0])], &[258.0]);
    means("in b : bool[3]\nout y : i64\ny = sum[i] b[i]", &[("b", &[3], &[1.0, 0.0, 1.0])], &[2.0]);
    means("in b : i64[2]\nout y : f64\ny = mean[i] b[i]", &[("b", &[2], &[1.0, 2.0])], &[1.5]);
    means("y = sum[i:3] [0 <= i < 2]", &[], &[2.0]);
    means("t[a] = {{1,2},{3,4}}[a,1]\ny[i] = t[i]", &[], &[2.0, 4.0]);
    means(
        "y[i] = relu(x[i]-2) + sqr(2) + sigmoid(0) + silu(0) + softplus(-1000)",
        &[X],
        &[5.5, 4.5, 6.5, 4.5],
    );
    means("y = max(2, 1.5)\nz = min(inf, 3)", &[], &[2.0, 3.0]);
    means("y = xor(6, 3) + shl(1, 4) + popcount(255)", &[], &[29.0]);
    means("y = i64(floor(-2.5)) + i32(2.9)", &[], &[-1.0]);
}

#[test]
fn complex_numbers_and_transforms() {
    means("y = cis(0)", &[], &[1.0, 0.0]);
    means("y = re(cis(pi)*cis(pi)) + abs(cis(1)) + im(conj(cis(pi/2)))", &[], &[1.0]);
    means(
        "z = 3*cis(0) + 4*cis(pi/2)\ny = abs(exp(log(z))) + abs(sqrt(z))^2 + abs(z/z) + abs(z^2)",
        &[],
        &[36.0],
    );
    means("Z[k] = rfft[i -> k] x[i]\ny[i:4] = irfft[k -> i] Z[k]", &[X], &[3.0, 1.0, 4.0, 2.0]);
    means(
        "Z[k] = fft[i -> k] x[i]\ny = re(Z[0])\nd = sum[k] abs(Z[k] - sum[i] x[i]*dft(4)[k,i])",
        &[X],
        &[10.0, 0.0],
    );
    means("Z[k] = fft[i -> k] x[i]\ny[i] = re(ifft[k -> i] Z[k])", &[X], &[3.0, 1.0, 4.0, 2.0]);
}

#[test]
fn einsum_strings() {
    let b: Given<'_> = ("B", &[3, 2], &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    means("ij,jk->ik", &[A, b], &[4.0, 5.0, 10.0, 11.0]);
    means("ij,jk", &[A, b], &[4.0, 5.0, 10.0, 11.0]);
    means("ij->ji", &[A], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    means("ij->", &[A], &[21.0]);
    means("...j->...", &[A], &[6.0, 15.0]);
    means("...i,...i", &[A, ("B", A.1, A.2)], &[14.0, 77.0]);
    fails("ij,jk->ik", &[A, A], &[], "E0511: `j` is 3 in operand 1 but 2 in operand 2");
    // Operands may be called like letters.
    means("ij,jk->ik", &[("i", A.1, A.2), ("j", b.1, b.2)], &[4.0, 5.0, 10.0, 11.0]);
    // In a file as in an expression; a line with `=` is a program.
    means("# a comment out of the way\n\n  ij->ji  # and another\n", &[A], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    fails("ij,jk->ik", &[A], &[], "E0511");
}

#[test]
fn axes_under_an_ellipsis_broadcast_as_in_numpy() {
    let row: Given<'_> = ("r", &[1, 3], &[1.0, 10.0, 100.0]);
    means("...i,...i->...i", &[row, A], &[1.0, 20.0, 300.0, 4.0, 50.0, 600.0]);
    means("...i,...i->...i", &[A, row], &[1.0, 20.0, 300.0, 4.0, 50.0, 600.0]);
    let pile: Given<'_> = ("p", &[2, 1, 3], &[1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    means("...i,...i->...i", &[pile, A], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
    let two: Given<'_> = ("q", &[2, 1, 2], &[1.0, 1.0, 1.0, -1.0]);
    let one: Given<'_> = ("w", &[1, 2, 1], &[3.0, 5.0]);
    means("...ij,...jk", &[two, one], &[8.0, -2.0]);
    means("ij->...ij", &[A], A.2);
    means("...ij->ij", &[A], A.2);
    means("...->...", &[("s", &[1], &[7.0])], &[7.0]);
    fails("...->", &[A], &[], "E0511: the output has no place for the 2 axes under `...`");
    fails("...j->j", &[A], &[], "the output has no place for the 1 axis under `...`");
    fails(
        "...i,...i",
        &[A, ("B", &[3, 3], &[0.0; 9])],
        &[],
        "the last axis under `...` is 2 in operand 1 but 3",
    );
    // Length 1 is a size like any other where a letter stands.
    fails("ij,ij->ij", &[row, A], &[], "`i` is 1 in operand 1 but 2 in operand 2");
}

#[test]
fn equations_with_the_operator_of_a_reduction_combine() {
    means("in x : f64[n]\nout y : f64[n]\ny[i] += x[i]\ny[k] += 2*x[k]", &[X], &[9.0, 3.0, 12.0, 6.0]);
    means("in A : f64[n,m]\nout y : f64[n]\ny[i] += A[i,j]\ny[i] += A[i,k]*A[i,k]", &[A], &[20.0, 92.0]);
    means("in x : f64[n]\nout y : f64\ny max= x[i]\ny max= 3.5", &[X], &[4.0]);
    means("y[i] += x[i]\ny[j] += z[j]", &[X, ("z", X.1, X.2)], &[6.0, 2.0, 8.0, 4.0]);
    fails("y[i] += x[i]\ny[j] += z[j]", &[X, ("z", &[2], &[1.0, 2.0])], &[], "axis 1 has size 2 here, but 4");
    let apart = "in x : f64[n]\nin z : f64[m]\nout w : f64[n]\ny[i] += x[i]\ny[j] += z[j]\nw[i] = y[i]";
    fails(apart, &[X, ("z", &[2], &[1.0, 2.0])], &[], "axis 1 has size 2 here, but 4");
    fails("in x : f64[n]\nout y : f64\ny max= x[i]\ny += x[i]", &[X], &[], "E0229");
    fails("in x : f64[n]\nout y : f64[n]\ny[i] = x[i]\ny[i] += x[i]", &[X], &[], "E0211");
}

#[test]
fn computed_places_share_indices_with_bare_ones() {
    let head = "in x : f64[m]\nout O : f64[2,m]\n";
    let halves = [3.0, 1.0, 0.0, 0.0, 0.0, 0.0, 4.0, 2.0];
    means(&format!("{head}O[e div 2, e] += x[e]"), &[X], &halves);
    means(
        &format!("{head}O[e div 2, e] max= max(x[e], 0)"),
        &[X],
        &halves.map(|v| if v == 0.0 { -INF } else { v }),
    );
    let ring = "in x : f64[m]\nout O : f64[m,m]\nO[(e+1) mod m, e] += x[k]*x[e]";
    let (a, b, c, d) = (30.0, 10.0, 40.0, 20.0);
    means(ring, &[X], &[0.0, 0.0, 0.0, d, a, 0.0, 0.0, 0.0, 0.0, b, 0.0, 0.0, 0.0, 0.0, c, 0.0]);
    let ring = ring.replace("(e+1) mod m, e]", "e, (e+1) mod m]");
    means(&ring, &[X], &[0.0, a, 0.0, 0.0, 0.0, 0.0, b, 0.0, 0.0, 0.0, 0.0, c, d, 0.0, 0.0, 0.0]);
}

/// Neither value nor place depends on `c` once `Q` stands for its value, and yet each c writes once.
#[test]
fn scatters_count_indices_that_nothing_depends_on() {
    means("out W : i64[2]\nQ[c:5] = 1\nW[Q[c]] += Q[c]", &[], &[0.0, 5.0]);
    means("out W : i64[2]\nvar Q : i64[5]\nQ[c] = 1\nW[Q[c]] *= 2", &[], &[1.0, 32.0]);
    means("out W : i64[2,2]\nQ[c:5] = 1\nW[i,Q[c]] += i+1", &[], &[0.0, 5.0, 0.0, 10.0]);
    let place = "in x : f64[m]\nout W : f64[3]\ns = 2\nW[s] += x[e]";
    means(place, &[X], &[0.0, 0.0, 10.0]);
}

#[test]
fn long_chains_of_members_and_terms() {
    let mut chain = String::from("in x : f64[T]\nout a0 : f64[T]\n");
    for k in 0..20 {
        chain.push_str(&format!("a{k}[t] = a{}[t] + a{k}[t-1 | 0]\n", k + 1));
    }
    chain.push_str("a20[t] = x[t] + a0[t-1 | 0]\n");
    means(&chain, &[("x", &[2], &[3.0, 1.0])], &[3.0, 64.0]);
    let terms = vec!["x[i]"; 2000].join(" + ");
    means(&format!("in x : f64[n]\nout y : f64[n]\ny[i] = {terms} - 2000*x[i] div 1"), &[X], &[0.0; 4]);
    means("y = 7 - 2 - 3 + 1", &[X], &[3.0]);
    means("y = 100 div 7 mod 4 * 3", &[X], &[6.0]);
    means("y = [x[0] > 2 and x[1] > 2 or x[2] > 3 and true]", &[X], &[1.0]);
}

#[test]
fn sizes_of_sums_must_fit() {
    fails("param n : int\nout y : i64\ny = sum[i:n*n] 1", &[], &[("n", 1 << 32)], "size `n*n` overflows");
    fails("out y : i64\ny = sum[i:n+1] 1", &[], &[("n", i64::MAX)], "size `n + 1` overflows");
    let given: Given<'_> = ("x", &[1 << 32, 0], &[]);
    fails(
        "in x : f64[n,m]\nout y : i64\ny = sum[i:n*n] 1 + sum[j,k] [x[j,k] > 0]",
        &[given],
        &[],
        "size `n*n` overflows",
    );
}

#[test]
fn a_free_number_may_be_an_operand_of_any_shape() {
    let operand = |shape| Operand { name: "e".into(), dtype: tcc_ir::Dtype::F32, shape };
    for shape in [None, Some(Vec::new())] {
        let options = Options { expression: true, operands: vec![operand(shape)], ..Options::default() };
        let program = compile("y = 2*e", &options).expect("e is given");
        assert_eq!((program.graph.inputs.len(), program.graph.inputs[0].ty.axes.len()), (1, 0));
    }
}

#[test]
fn sizes_are_found_and_agree() {
    let head = "in A : f64[n, m]\nin x : f64[k]\n";
    means(
        &format!("{head}out y : f64[n]\ny[i] = sum[j] A[i,j]*x[j]"),
        &[A, ("x", &[3], &[1.0, 1.0, 1.0])],
        &[6.0, 15.0],
    );
    fails(
        &format!("{head}out y : f64[n]\ny[i] = sum[j] A[i,j]*x[j]"),
        &[A, X],
        &[],
        "index j is 3 here (axis 2 of A) but 4 as axis 1 of x",
    );
    means("in x : f64[2*n]\nout y : f64[n]\ny[i] = x[2*i]", &[X], &[3.0, 4.0]);
}
