use super::*;
use tcc_ir::loops::{Buffer, Role};
use tcc_ir::{Bindings, Extent, Ir, Native, Tensor};

/// `y[i] = op(x[i], ..)`, expanded.
fn program(row: &MathRow, dtype: Dtype, n: usize) -> Func {
    let mut func = Func { name: row.op.to_string(), ..Func::default() };
    let extents = vec![Extent::from(n as i64)];
    let inputs: Vec<_> = (0..row.op.row().arity)
        .map(|at| func.add_buffer(Buffer::new(format!("x{at}"), dtype, extents.clone(), Role::Input)))
        .collect();
    let output = func.add_buffer(Buffer::new("y", dtype, extents, Role::Output));
    let i = func.add_var("i", Dtype::I64);
    let operands = inputs.iter().map(|&x| Expr::load(x, vec![Expr::Var(i)])).collect();
    let store = Stmt::Store(output, vec![Expr::Var(i)], Expr::op(row.op, dtype, operands));
    func.body = vec![Stmt::serial(i, Expr::int(0), Expr::int(n as i64), vec![store])];
    assert!(run(&mut func, &PassContext::default()).is_yes());
    func.verify().unwrap_or_else(|e| panic!("{}: {e}", row.op));
    func
}

fn evaluate(row: &MathRow, dtype: Dtype, columns: &[Vec<f64>]) -> Vec<f64> {
    let n = columns[0].len();
    let inputs: Vec<_> =
        columns.iter().map(|c| Tensor::<Native>::from_f64s(dtype, &[n], c).expect("small")).collect();
    let out = program(row, dtype, n).eval(&inputs, &Bindings::new()).expect("runs");
    out[0].to_f64s()
}

/// The result of the same operation before expansion, which f64 libm computes.
fn expected(row: &MathRow, dtype: Dtype, operands: &[f64]) -> f64 {
    let values: Vec<_> = operands.iter().map(|&x| tcc_ir::Value::<Native>::Real(x)).collect();
    let dtypes = vec![dtype; operands.len()];
    let value = tcc_ir::evaluate_scalar::apply(row.op, dtype, &dtypes, &values);
    value.ok().and_then(tcc_ir::Value::as_real).expect("a real")
}

#[test]
fn special_values_are_exact() {
    let specials = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        0.5,
        -0.5,
        2.0,
        -2.0,
        3.0,
        -3.0,
        1e30,
        -1e30,
        1e-30,
        -1e-30,
        2.5,
        1e-40,
        -1e-40,
    ];
    let mut wrong = Vec::new();
    for row in MATH_FUNCTIONS {
        for dtype in [Dtype::F32, Dtype::F64, Dtype::F16, Dtype::BF16] {
            let arity = row.op.row().arity;
            let points: Vec<Vec<f64>> = if arity == 1 {
                specials.iter().map(|&x| vec![dtype.round(x)]).collect()
            } else {
                let pair = |&x: &f64| specials.iter().map(move |&y| vec![dtype.round(x), dtype.round(y)]);
                specials.iter().flat_map(pair).collect()
            };
            let columns: Vec<Vec<f64>> =
                (0..arity).map(|at| points.iter().map(|p| p[at]).collect()).collect();
            for (point, got) in points.iter().zip(evaluate(row, dtype, &columns)) {
                let most = if dtype == Dtype::F64 { row.domain.1 } else { row.domain.0 };
                if point.iter().any(|x| x.is_finite() && x.abs() > most) {
                    assert!(got.is_nan(), "{} of {dtype} {point:?}: {got}", row.op);
                    continue;
                }
                let want = expected(row, dtype, point);
                let close = (got - want).abs() <= 4e-6 * want.abs()
                    || dtype != Dtype::F64 && (got - want).abs() < 1e-44;
                let rough =
                    matches!(dtype, Dtype::F16 | Dtype::BF16) && (got - want).abs() <= 8e-3 * want.abs();
                let exact = got == want && got.is_sign_negative() == want.is_sign_negative();
                let between = want.is_finite() && want != 0.0 && got != 0.0 && (close || rough);
                if !(exact || got.is_nan() && want.is_nan() || between) {
                    wrong.push(format!("{} of {dtype} {point:?}: {got}, expected {want}", row.op));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_function_has_a_row_and_basic_operations_have_none() {
    for row in tcc_ir::scalar::SCALAR_OPS {
        let native = matches!(
            row.op,
            ScalarOp::Fma
                | ScalarOp::Floor
                | ScalarOp::Ceil
                | ScalarOp::Round
                | ScalarOp::Trunc
                | ScalarOp::Sqrt
        );
        let expected = matches!(row.signature, tcc_ir::scalar::Signature::Float) && !native;
        assert_eq!(super::row(row.op).is_some(), expected, "{}", row.name);
    }
}
