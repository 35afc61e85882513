//! Whole functions: machine code and the interpreter must agree bit for bit with the evaluator.

#[path = "../../passes/tests/random_loops.rs"]
mod random_loops;

use tcc_backends::cranelift::{self, Vectors};
use tcc_backends::{Artifact, BACKENDS, BackendError, CallError, EmitKind, Kernel, Target};
use tcc_ir::loops::Func;
use tcc_ir::{Array, Bindings, Dtype, Ir, Native, Tensor};
use tcc_passes::{LOOP_PASSES, PassContext};

fn parse(text: &str) -> Func {
    let func: Func = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    func.verify().unwrap_or_else(|errors| panic!("{errors}\n{func}"));
    func
}

/// Small numbers of any dtype: some negative, some fractions, some equal.
fn ramp(dtype: Dtype, shape: &[usize]) -> Array {
    let count: usize = shape.iter().product();
    let numbers: Vec<f64> = (0..count)
        .map(|n| match dtype {
            Dtype::Bool => (n % 3 / 2) as f64,
            Dtype::U8 | Dtype::U32 | Dtype::I32 | Dtype::I64 => (n * 5 % 7) as f64,
            _ => (n * 3 % 7) as f64 / 4.0 - 0.75,
        })
        .collect();
    let tensor = Tensor::<Native>::from_f64s(dtype, shape, &numbers).expect("a tensor");
    tensor.to_array().expect("small")
}

/// Runs `func` on ramps by every backend and by the evaluator; the results must be the same bytes.
fn agree(func: &Func, sizes: &[i64]) -> Vec<Array> {
    let bindings: Bindings = func.symbols.iter().map(|s| s.name.clone()).zip(sizes.iter().copied()).collect();
    let inputs: Vec<Array> = func
        .inputs()
        .map(|id| {
            let buffer = func.buffer(id);
            let shape: Vec<usize> =
                buffer.extents.iter().map(|e| e.eval(&bindings).expect("bound") as usize).collect();
            ramp(buffer.dtype, &shape)
        })
        .collect();
    let tensors: Vec<_> = inputs.iter().map(Tensor::<Native>::from_array).collect();
    let expected = func.eval(&tensors, &bindings);
    type Load = fn(&Func) -> Result<Kernel, BackendError>;
    let mut loads: Vec<(&str, Load)> = BACKENDS.iter().map(|backend| (backend.name, backend.load)).collect();
    loads.push(("128 bits", |func| cranelift::load_with(func, Vectors::Narrow)));
    if Vectors::detect() >= Vectors::Avx2 {
        loads.push(("256 bits", |func| cranelift::load_with(func, Vectors::Avx2)));
    }
    for (name, load) in loads {
        let kernel = load(func).unwrap_or_else(|e| panic!("{e}\n{func}"));
        let mut out = kernel.allocate_outputs(sizes).expect("small");
        let result = kernel.run_arrays(&inputs.iter().collect::<Vec<_>>(), &mut out, sizes);
        match (&expected, result) {
            (Ok(expected), Ok(())) => {
                for (want, got) in expected.iter().zip(&out) {
                    let want = want.to_array().expect("small");
                    assert!(same(&want, got), "{}: {got:?}\nexpected {want:?}\n{func}", name);
                }
            }
            (Err(tcc_ir::EvalError::Check { site, .. }), Err(CallError::Check { site: got, .. })) => {
                assert_eq!(*site, got, "{}\n{func}", name);
            }
            (expected, result) => panic!("{}: {result:?}, expected {expected:?}\n{func}", name),
        }
    }
    let Ok(expected) = expected else { return Vec::new() };
    expected.iter().map(|tensor| tensor.to_array().expect("small")).collect()
}

/// Equal bytes, but for the payloads of NaN.
fn same(a: &Array, b: &Array) -> bool {
    let parts = |array: &Array| -> Vec<String> {
        let tensor = Tensor::<Native>::from_array(array);
        tensor.data.iter().map(|value| format!("{value:?}")).collect()
    };
    a == b || a.dtype() == b.dtype() && a.shape() == b.shape() && parts(a) == parts(b)
}

#[test]
fn random_functions_agree_before_and_after_passes() {
    for seed in 1..=200 {
        let original = parse(&random_loops::function(seed));
        agree(&original, &[8]);
        let mut func = original.clone();
        for step in 0..4 {
            let pass = &LOOP_PASSES[(seed as usize * 7 + step * 5) % LOOP_PASSES.len()];
            let arguments = pass.params.iter().map(|p| (p.name, p.choices[step % p.choices.len()])).collect();
            (pass.run)(&mut func, &PassContext::default().with_arguments(&arguments));
            func.compact();
            agree(&func, &[8]);
        }
    }
}

#[test]
fn checks_stop_with_their_site_and_message() {
    let func = parse(
        "func @checked(n) {
           input X: i64[n]
           output Y: i64[n]
           site 0 \"small enough\"
           site 1 \"not six\"
           for i in 0..n {
             check X[i] < 100 site 0
             check X[i] != 6 site 1
             Y[i] = X[i]
           }
         }",
    );
    assert_eq!(agree(&func, &[3]).len(), 1);
    assert_eq!(agree(&func, &[7]).len(), 0);
    let kernel = cranelift::load(&func).expect("loads");
    let mut out = kernel.allocate_outputs(&[7]).expect("small");
    let error = kernel.run_arrays(&[&ramp(Dtype::I64, &[7])], &mut out, &[7]);
    assert_eq!(error, Err(CallError::Check { site: 1, message: "not six".into() }));
}

#[test]
fn symbolic_sizes_strides_and_scratch_agree() {
    let func = parse(
        "func @transposed(n, m) {
           input X: f32[n, m]
           input K: i64[m]
           output Y: f32[m, n]
           output Z: f32[m]
           scratch T: f32[m, n + 1]
           scratch s: f32
           for i in 0..n { for j in 0..m { T[j, i] = X[i, j] * 2.0f32 } }
           for k in 0..m { T[k, n] = 1.0f32 }
           for r in 0..m {
             s = 0.0f32
             let row: i64 = K[r] mod m
             for c in 0..n { s += T[row, n - c] Y[r, c] = T[r, c] }
             Z[r] = s
           }
         }",
    );
    for sizes in [[1, 1], [5, 3], [3, 8]] {
        assert_eq!(agree(&func, &sizes).len(), 2);
    }
}

#[test]
fn every_dtype_is_stored_and_accumulated() {
    for (dtype, name, _) in Dtype::TABLE.iter().filter(|row| row.0 != Dtype::Bool) {
        let func = parse(&format!(
            "func @sums() {{
               input X: {name}[4, 8]
               output Y: {name}[8]
               output Z: {name}
               scratch s: {name}
               for j in 0..8 {{ Y[j] = X[0, j] * X[1, j] }}
               for i in 1..4 {{ vector for k in 0..8 {{ Y[k] += X[i, k] }} }}
               s = X[0, 0]
               for l in 0..8 {{ s += Y[l] s *= X[3, l] }}
               Z = s
             }}"
        ));
        assert_eq!(agree(&func, &[]).len(), 2, "{dtype}");
    }
}

#[test]
fn vector_loops_with_masks_and_lets_agree() {
    let func = parse(
        "func @masks() {
           input X: f32[16]
           input N: i32[16]
           input D: f64[16]
           input B: bool[16]
           output Y: f32[16]
           output M: i32[16]
           output E: f64[16]
           output G: f32[16]
           vector for i in 0..16 {
             let x: f32 = X[i] * X[3]
             let place: i64 = 15 - i
             Y[i] = select(x < 0.0f32 or X[place] == 0.5f32, f32(N[i]), max(x, X[i]) - f32(x < 0.25f32))
             M[i] = shr(N[i], 1i32) + i32(x)
           }
           vector for j in 0..16 { E[j] = fma(D[j], D[15 - j], floor(D[j])) }
           vector for k in 0..16 { G[k] = select(B[k], X[k], 0.0f32) }
         }",
    );
    assert_eq!(agree(&func, &[]).len(), 4);
    let narrow = Target { native: false, ..Target::default() };
    let text = match cranelift::emit(&func, EmitKind::Clif, &narrow) {
        Ok(Artifact::Text(text)) => text,
        other => panic!("{other:?}"),
    };
    assert!(text.contains("f32x4") && text.contains("f64x2"), "{text}");
}

#[test]
fn small_arrays_live_in_registers() {
    // `t` is a tile of unrolled scalars, `p` partial sums in vectors read one by one at the end, `u` is
    // indexed by a counter and stays in memory.
    let func = parse(
        "func @tiles() {
           input X: f32[6, 16]
           output Y: f32[2, 2]
           output Z: f32[6]
           scratch t: f32[2, 2]
           scratch p: f32[8]
           scratch u: f32[6]
           unroll for i in 0..2 { unroll for j in 0..2 { t[i, j] = 0.0f32 } }
           for k in 0..16 {
             unroll for a in 0..2 { unroll for b in 0..2 { t[a, b] += X[a, k] * X[b + 2, k] } }
           }
           unroll for c in 0..2 { unroll for d in 0..2 { Y[c, d] = t[c, d] } }
           for r in 0..6 {
             vector for l in 0..8 { p[l] = 1.0f32 }
             for o in 0..2 {
               vector for m in 0..8 { p[m] += X[r, o * 8 + m] / 4.0f32 * t[1, 0] }
             }
             vector for q in 0..4 { p[q] *= p[q + 4] }
             vector for s in 0..2 { p[s] += p[s + 2] }
             u[r] = p[0] - p[1]
             Z[r] = u[r] + p[7]
           }
         }",
    );
    assert_eq!(agree(&func, &[]).len(), 2);
    let narrow = Target { native: false, ..Target::default() };
    let text = match cranelift::emit(&func, EmitKind::Clif, &narrow) {
        Ok(Artifact::Text(text)) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(text.matches("store").count(), 4 + 1 + 1, "{text}");
}

/// Functions so long that they are compiled in parts: small arrays, registers and checks cross them.
#[test]
fn long_functions_agree() {
    let mut text = String::from(
        "func @long(n) { input X: f64[n] output Y: f64[4] scratch a: f64[4] scratch r: f64
         table T: f64[3] = {0.5, 1.5, 2.5} site 0 \"small\" for i in 0..4 { a[i] = X[i] }",
    );
    for step in 0..3500 {
        text.push_str(&match step {
            900 => "r = X[1]".to_owned(),
            1200 => "a[3] = a[3] + r".to_owned(),
            3400 => "check X[0] < 100.0 site 0".to_owned(),
            _ => format!("a[{}] = a[{}] * T[{}] - X[{}]", step % 4, (step + 1) % 4, step % 3, step % 2),
        });
        text.push('\n');
    }
    let func = parse(&(text + "for j in 0..4 { Y[j] = a[j] } }"));
    agree(&func, &[4]);
}

#[test]
fn objects_stand_alone() {
    let func = parse(
        "func @axpy(n) {
           input X: f32[n]
           output Y: f32[n]
           for i in 0..n { Y[i] = floor(fma(X[i], X[i], 1.0f32)) }
         }",
    );
    for native in [true, false] {
        let target = Target { symbol: Some("axpy".into()), native, recipe: None };
        let object = cranelift::emit(&func, EmitKind::Object, &target).expect("emits");
        assert!(object.as_bytes().windows(4).any(|w| w == b"axpy"));
        // No call leaves the object: neither the C library's fma nor its floor.
        assert!(!object.as_bytes().windows(5).any(|w| w == b"fmaf\0" || w == b"floor"), "native: {native}");
        let asm = cranelift::emit(&func, EmitKind::Asm, &target).expect("emits");
        assert!(!asm.as_bytes().is_empty());
    }
}

/// A loop around vectors of `lanes`, of which each runs `body` at the place `P`.
fn vectors(lanes: usize, declarations: &str, body: &str) -> Func {
    let size = 3 * lanes;
    let body = body.replace('P', &format!("o * {lanes} + v"));
    parse(&format!(
        "func @vectors() {{ {} for o in 0..3 {{ vector for v in 0..{lanes} {{ {body} }} }} }}",
        declarations.replace("SIZE", &size.to_string()),
    ))
}

#[test]
fn more_values_than_registers_agree() {
    for (dtype, suffix) in [("f32", "f32"), ("f64", ""), ("i32", "i32")] {
        let mut body = String::new();
        for n in 0..100 {
            let factor = if dtype == "i32" { format!("{n}i32") } else { format!("{n}.5{suffix}") };
            body += &format!("let a{n}: {dtype} = X[P] * {factor} let b{n}: bool = a{n} < X[P] ");
        }
        // The values are needed in another order than they are made, so that all of them wait.
        for n in 0..100 {
            let other = n * 37 % 100;
            body += &format!("Y[P] += select(b{n}, a{other}, a{n} * a{other}) ");
        }
        let declarations =
            format!("input X: {dtype}[SIZE] output Y: {dtype}[SIZE] for i in 0..SIZE {{ Y[i] = X[i] }}");
        agree(&vectors(24, &declarations, &body), &[]);
    }
}

#[test]
fn more_pointers_than_registers_agree() {
    let mut declarations = String::new();
    for n in 0..30 {
        declarations += &format!("input X{n}: f32[SIZE, {}] ", n + 1);
    }
    declarations += "output Y: f32[SIZE] ";
    let sum: Vec<String> = (0..30).map(|n| format!("X{n}[P, {}]", n / 2)).collect();
    agree(&vectors(16, &declarations, &format!("Y[P] = {}", sum.join(" + "))), &[]);
}

#[test]
fn every_number_of_lanes_agrees() {
    for lanes in 1..=35 {
        for dtype in ["f32", "f64", "i32", "i64"] {
            let declarations = format!(
                "input X: {dtype}[SIZE] input B: bool[SIZE] output Y: {dtype}[SIZE] output Z: {dtype}
                 scratch p: {dtype}[{lanes}]
                 vector for l in 0..{lanes} {{ p[l] = X[l] }}"
            );
            let zero = match dtype {
                "f32" => "0.0f32",
                "f64" => "0.0",
                "i32" => "0i32",
                _ => "0",
            };
            let body = format!("Y[P] = select(B[P], X[P] * X[P], {zero}) p[v] max= X[P]");
            let mut func = vectors(lanes, &declarations, &body).to_string();
            func.truncate(func.trim_end().len() - 1);
            func += &format!("Z = p[0] for s in 1..{lanes} {{ Z += p[s] }} }}");
            agree(&parse(&func), &[]);
        }
    }
}

#[test]
fn listings_show_the_full_width() {
    let func = vectors(16, "input X: f32[SIZE] output Y: f32[SIZE]", "Y[P] = sqrt(X[P])");
    let text = match cranelift::emit(&func, EmitKind::Asm, &Target::default()) {
        Ok(Artifact::Text(text)) => text,
        other => panic!("{other:?}"),
    };
    let expected = match Vectors::detect() {
        Vectors::Avx512 => "vsqrtps zmm",
        Vectors::Avx2 => "vsqrtps ymm",
        Vectors::Narrow => "sqrt",
    };
    assert!(text.contains(expected), "{text}");
}

/// What iterations read of what stands around them, their private scratch, and checks in them.
#[test]
fn parallel_loops_agree_with_any_number_of_threads() {
    let func = parse(
        "func @rows(n) {
           input X: f32[n, 64]
           input C: c64[n]
           output Y: f32[n, 64]
           output Z: c64[n]
           scratch P: f32[64] private
           scratch between: f32[n]
           scratch Q: f64[2, n] private
           scratch r: f32
           scratch z: c64
           scratch own: f32
           site 0 \"not so large\"
           r = 2.0f32
           z = C[0]
           let s: f32 = X[0, 0] + 1.0f32
           let even: bool = n mod 2 == 0
           for t in 0..3 {
             parallel for i in 1..n {
               own = select(even, X[i, t], s)
               for j in 0..64 { P[j] = X[i, j] * r + s }
               for k in 0..n { Q[1, k] = f64(X[k, 1]) }
               vector for l in 0..64 { Y[i, l] = P[63 - l] + f32(Q[1, i]) }
               for k.1 in 0..64 { Y[i, k.1] += own + f32(t) }
               Z[i] = C[i] * z
               between[i] = own
               check n < 90 or i < 77 site 0
             }
             for j.1 in 0..64 { Y[0, j.1] = between[n - 1] }
             Z[0] = z
           }
         }",
    );
    for threads in [1, 2, 3, 0] {
        tcc_backends::runtime::set_threads(threads);
        assert_eq!(agree(&func, &[60]).len(), 2);
        assert_eq!(agree(&func, &[61]).len(), 2);
        assert_eq!(agree(&func, &[95]).len(), 0);
    }
}
