//! What every test of a loop pass asks: the expected text, verified output, the same results.

use crate::{Changed, PassContext};
use tcc_ir::loops::Func;
use tcc_ir::{Bindings, Ir, Native, Tensor};

/// Reads a function; `statements` may use the buffers X, Z (read), Y (written), S, r (scratch), all
/// of 12 elements or 12 x 12, and the symbol n = 12.
pub fn with(statements: &str) -> Func {
    parse(&format!(
        "func @f(n) {{
           input X: f32[n] input Z: f32[n, n]
           output Y: f32[n] output W: f32[n, n]
           scratch S: f32[n] scratch r: f32
           site 0 \"m\"
           parallel for y in 0..n {{ Y[y] = 0.0f32 S[y] = 1.0f32 }}
           parallel for w0 in 0..n {{ parallel for w1 in 0..n {{ W[w0, w1] = 0.0f32 }} }}
           {statements}
         }}"
    ))
}

/// As [`with`], but no loop around the statements is one that passes over all loops change, and no
/// buffer is without readers.
fn with_fixed(statements: &str) -> Func {
    parse(&format!(
        "func @f(n) {{
           input X: f32[n] input Z: f32[n, n]
           output Y: f32[n] output W: f32[n, n]
           unroll for y in 0..12 {{ Y[y] = 0.0f32 }}
           unroll for w0 in 0..12 {{ unroll for w1 in 0..12 {{ W[w0, w1] = 0.0f32 }} }}
           {statements}
         }}"
    ))
}

fn parse(text: &str) -> Func {
    let func: Func = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    func.verify().unwrap_or_else(|errors| panic!("{errors}\n{func}"));
    func
}

/// Checks that a pass makes `after` of `before`, statement texts for [`with`], and that it keeps its
/// promises: verified output, the same results, no change without fuel, an end.
pub fn check(run: fn(&mut Func, &PassContext) -> Changed, context: &PassContext, before: &str, after: &str) {
    check_funcs(run, context, with(before), with(after));
}

/// As [`check`], for statement texts that use X, Z, Y and W alone.
pub fn check_fixed(
    run: fn(&mut Func, &PassContext) -> Changed,
    context: &PassContext,
    before: &str,
    after: &str,
) {
    check_funcs(run, context, with_fixed(before), with_fixed(after));
}

fn check_funcs(
    run: fn(&mut Func, &PassContext) -> Changed,
    context: &PassContext,
    old: Func,
    mut expected: Func,
) {
    let mut new = old.clone();
    let changed = run(&mut new, context);
    assert_eq!(changed.is_yes(), old != new);
    new.compact();
    expected.compact();
    assert_eq!(new.to_string(), expected.to_string());
    new.verify().unwrap_or_else(|errors| panic!("{errors}\n{new}"));
    assert_eq!(results(&old), results(&new), "{new}");
    let mut still = old.clone();
    assert_eq!(run(&mut still, &context.clone().with_fuel(0)), Changed::No);
    assert_eq!(still, old);
    for _ in 0..3 {
        run(&mut new, context);
        new.verify().unwrap_or_else(|errors| panic!("{errors}\n{new}"));
        assert_eq!(results(&old), results(&new), "{new}");
    }
}

fn results(func: &Func) -> Vec<Tensor<Native>> {
    let ramp = |shape: &[usize]| {
        let numbers: Vec<f64> = (0..shape.iter().product()).map(|n: usize| (n % 7) as f64 - 2.5).collect();
        Tensor::from_f64s(tcc_ir::Dtype::F32, shape, &numbers).expect("a tensor")
    };
    let inputs = [ramp(&[12]), ramp(&[12, 12])];
    func.eval(&inputs, &Bindings::new()).unwrap_or_else(|error| panic!("{error}\n{func}"))
}
