//! Every scalar operation on every dtype, in serial, vector and unrolled loops of machine code,
//! against the evaluator's meaning of the operation.

use tcc_backends::cranelift::{self, Vectors};
use tcc_ir::evaluate_scalar::apply;
use tcc_ir::loops::{Buffer, Expr, Func, LoopKind, Role, Stmt};
use tcc_ir::scalar::{SCALAR_OPS, Signature};
use tcc_ir::{Array, Dtype, Extent, Kind, Native, ScalarOp, Tensor, Value};

/// Numbers on which operations go wrong.
fn specials(dtype: Dtype) -> Vec<Value<Native>> {
    match dtype.kind() {
        Kind::Bool => vec![Value::Bool(false), Value::Bool(true)],
        Kind::Int => {
            let numbers = [0, 1, 2, 3, 5, 7, 31, 32, 63, 64, 100, 255, -1, -2, -7, -64, i64::MAX, i64::MIN];
            let edges = [i64::from(i32::MAX), i64::from(i32::MIN), i64::from(u32::MAX), 1 << 24 | 1];
            numbers.iter().chain(&edges).map(|&n| Value::Int(dtype.wrap(n))).collect()
        }
        Kind::Float => floats(dtype).into_iter().map(Value::Real).collect(),
        Kind::Complex => {
            let parts = [0.0, -0.0, 1.0, -1.5, 3.25, 1e30, f64::INFINITY, f64::NAN];
            let pairs = parts.iter().flat_map(|&re| parts.iter().map(move |&im| (re, im)));
            pairs.map(|(re, im)| Value::Complex(dtype.round(re), dtype.round(im))).collect()
        }
    }
}

fn floats(dtype: Dtype) -> Vec<f64> {
    let (max, min, tiny) = match dtype {
        Dtype::F16 => (65504.0, 2f64.powi(-14), 2f64.powi(-24)),
        Dtype::BF16 => (f64::from(f32::from_bits(0x7f7f_0000)), 2f64.powi(-126), 2f64.powi(-133)),
        Dtype::F32 => (f64::from(f32::MAX), f64::from(f32::MIN_POSITIVE), 2f64.powi(-149)),
        _ => (f64::MAX, f64::MIN_POSITIVE, f64::from_bits(1)),
    };
    let small = [0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 7.0, 1.0 / 3.0, 0.1, 1000.5, 4095.75];
    let large =
        [255.0, 256.0, 2147483648.0, 4294967296.0, 9.3e18, 65519.0, 65520.0, 1e-5, 1.0 + 1.0 / 1024.0];
    let edges = [f64::INFINITY, f64::NAN, max, min, tiny, 3.0 * tiny, min - tiny, max / 2.0];
    let all = small.iter().chain(&large).chain(&edges);
    all.flat_map(|&x| [dtype.round(x), dtype.round(-x)]).collect()
}

/// How the loop over the cases is run.
#[derive(Clone, Copy, Debug)]
enum Form {
    Serial,
    Vector(i64),
    Unroll,
}

/// Lanes of the vector loops: a part of a vector, whole ones, and some and a part.
const LANES: [i64; 3] = [8, 16, 21];

/// A number of cases that whole vectors hold.
const BLOCK: usize = 8 * 2 * 21;

/// `y[i] = op(a[i], b[i], ..)` for `cases` points (a multiple of the lanes).
fn program(op: ScalarOp, operands: &[Dtype], result: Dtype, cases: usize, form: Form) -> Func {
    let mut func = Func { name: op.to_string(), ..Func::default() };
    let extents = vec![Extent::from(cases as i64)];
    let inputs: Vec<_> = operands
        .iter()
        .enumerate()
        .map(|(at, &d)| func.add_buffer(Buffer::new(format!("x{at}"), d, extents.clone(), Role::Input)))
        .collect();
    let output = func.add_buffer(Buffer::new("y", result, extents, Role::Output));
    let i = func.add_var("i", Dtype::I64);
    let body = |place: Expr| {
        let operands = inputs.iter().map(|&x| Expr::load(x, vec![place.clone()])).collect();
        Stmt::Store(output, vec![place], Expr::op(op, result, operands))
    };
    let count = cases as i64;
    func.body = match form {
        Form::Serial => {
            vec![Stmt::serial(i, Expr::int(0), Expr::int(count), vec![body(Expr::Var(i))])]
        }
        Form::Vector(_) | Form::Unroll => {
            let (kind, lanes) = match form {
                Form::Vector(lanes) => (LoopKind::Vector, lanes),
                _ => (LoopKind::Unroll, 8),
            };
            let lane = func.add_var("i.i", Dtype::I64);
            let place = Expr::add(Expr::mul(Expr::Var(i), Expr::int(lanes)), Expr::Var(lane));
            let inner = Stmt::for_loop(lane, Expr::int(0), Expr::int(lanes), kind, vec![body(place)]);
            vec![Stmt::serial(i, Expr::int(0), Expr::int(count / lanes), vec![inner])]
        }
    };
    func
}

/// The vectors that code is made for.
const VECTORS: [Vectors; 3] = [Vectors::Narrow, Vectors::Avx2, Vectors::Avx512];

/// Whether this machine has them.
fn exist(vectors: Vectors) -> bool {
    vectors <= Vectors::detect()
}

/// Equal bit for bit, but for the payloads of NaN.
fn same(a: Value<Native>, b: Value<Native>) -> bool {
    let number = |x: f64, y: f64| x.to_bits() == y.to_bits() || x.is_nan() && y.is_nan();
    match (a, b) {
        (Value::Real(x), Value::Real(y)) => number(x, y),
        (Value::Complex(a, b), Value::Complex(c, d)) => number(a, c) && number(b, d),
        _ => a == b,
    }
}

/// All combinations of special operands, thinned to a few thousand and padded to whole vectors.
fn cases(operands: &[Dtype]) -> Vec<Vec<Value<Native>>> {
    let lists: Vec<_> = operands.iter().map(|&d| specials(d)).collect();
    let total: usize = lists.iter().map(Vec::len).product();
    let step = (total / 4000).max(1) | 1;
    let pick = |mut at: usize| {
        let choose = |list: &Vec<Value<Native>>| {
            let value = list[at % list.len()];
            at /= list.len();
            value
        };
        lists.iter().map(choose).collect::<Vec<_>>()
    };
    let mut cases: Vec<_> = (0..total).step_by(step).map(pick).collect();
    let count = cases.len();
    while cases.len() % BLOCK != 0 {
        cases.push(cases[cases.len() % count].clone());
    }
    cases
}

fn check(op: ScalarOp, operands: &[Dtype], result: Dtype) {
    let cases = cases(operands);
    let arrays: Vec<Array> = (0..operands.len())
        .map(|at| {
            let column = cases.iter().map(|case| case[at]).collect();
            let tensor = Tensor::<Native>::from_values(operands[at], &[cases.len()], column);
            tensor.and_then(|t| t.to_array().ok()).expect("small")
        })
        .collect();
    let vectors = LANES.iter().flat_map(|&lanes| VECTORS.map(|vectors| (Form::Vector(lanes), vectors)));
    let forms = [(Form::Serial, Vectors::Narrow), (Form::Unroll, Vectors::Narrow)];
    for (form, vectors) in forms.into_iter().chain(vectors).filter(|(_, vectors)| exist(*vectors)) {
        let func = program(op, operands, result, cases.len(), form);
        let kernel = cranelift::load_with(&func, vectors)
            .unwrap_or_else(|e| panic!("{op} {operands:?} {form:?} {vectors:?}: {e}"));
        let mut out = kernel.allocate_outputs(&[]).expect("small");
        kernel.run_arrays(&arrays.iter().collect::<Vec<_>>(), &mut out, &[]).expect("runs");
        for (case, &got) in cases.iter().zip(&Tensor::<Native>::from_array(&out[0]).data) {
            let expected = apply(op, result, operands, case).expect("defined");
            assert!(
                same(got, expected),
                "{op} {operands:?} -> {result} ({form:?}, {vectors:?}) of {case:?}: {got:?}, expected {expected:?}"
            );
        }
    }
}

/// Operations that are left to the pass that expands functions.
fn is_function(op: ScalarOp) -> bool {
    use ScalarOp::*;
    matches!(
        op,
        Pow | Cbrt
            | Exp
            | Expm1
            | Log
            | Log1p
            | Sin
            | Cos
            | Tan
            | Asin
            | Acos
            | Atan
            | Atan2
            | Sinh
            | Cosh
            | Tanh
            | Asinh
            | Acosh
            | Atanh
            | Erf
            | Erfc
            | Hypot
    )
}

#[test]
fn operations_agree_with_their_meaning() {
    for row in SCALAR_OPS.iter().filter(|row| !is_function(row.op) && row.op != ScalarOp::Cast) {
        for &(dtype, _, _) in Dtype::TABLE {
            let operands = match row.signature {
                Signature::Select => vec![Dtype::Bool, dtype, dtype],
                Signature::PowInt => vec![dtype, Dtype::I64],
                _ => vec![dtype; row.arity],
            };
            if let Some(result) = row.op.result_dtype(&operands) {
                check(row.op, &operands, result);
            }
        }
    }
}

#[test]
fn casts_agree_with_their_meaning() {
    for &(from, _, _) in Dtype::TABLE {
        for &(to, _, _) in Dtype::TABLE {
            check(ScalarOp::Cast, &[from], to);
        }
    }
}

#[test]
fn functions_are_refused_before_they_are_expanded() {
    let func = program(ScalarOp::Exp, &[Dtype::F32], Dtype::F32, 8, Form::Serial);
    let error = cranelift::load(&func).expect_err("exp is no instruction").to_string();
    assert!(error.contains("exp"), "{error}");
}
