//! Random recurrences mean the same as scans: modulo a prime and in integers exactly, in floats within the
//! bound of their rounding.

#[allow(dead_code)] // The tests of lowering use more of it.
mod common;

use common::{agree, lowered, operands};
use tcc_ir::domain::Bounded;
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_ir::{Bindings, Dtype, Exact, Ir, Native, Tensor, Value};
use tcc_passes::{Changed, Contract, LOOP_PASSES, PassContext, find};

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

/// A step as nodes: `P` is the state before, `A` and `B` are data, `R` is a condition, `N` the new state, `X`
/// and `Y` are values in between and `T` is the type.
struct Step {
    name: &'static str,
    nodes: &'static str,
    /// Whether it means something modulo a prime.
    algebraic: bool,
    /// Whether it is combined under `strict`: of floats, and of integers (`None`: not at all).
    strict: (bool, Option<bool>),
}

const STEPS: &[Step] = &[
    Step {
        name: "affine",
        nodes: "X = mul A, P : T\nN = add X, B : T",
        algebraic: true,
        strict: (false, Some(true)),
    },
    Step { name: "sum", nodes: "N = add P, B : T", algebraic: true, strict: (false, Some(true)) },
    Step { name: "difference", nodes: "N = sub B, P : T", algebraic: true, strict: (false, Some(true)) },
    Step { name: "product", nodes: "N = mul P, A : T", algebraic: true, strict: (false, Some(true)) },
    Step {
        name: "average",
        nodes: "X = sub B, P : T\nY = mul A, X : T\nN = add P, Y : T",
        algebraic: true,
        strict: (false, Some(true)),
    },
    Step {
        name: "sum with resets",
        nodes: "X = add P, B : T\nN = select R, A, X : T",
        algebraic: true,
        strict: (false, Some(true)),
    },
    Step { name: "maximum", nodes: "N = max P, B : T", algebraic: false, strict: (true, Some(true)) },
    Step { name: "minimum", nodes: "N = min B, P : T", algebraic: false, strict: (true, Some(true)) },
    Step {
        name: "longest path",
        nodes: "X = add P, A : T\nN = max X, B : T",
        algebraic: false,
        strict: (false, None),
    },
];

/// What becomes of the states.
const USES: &[&str] = &["all", "last", "read", "read before"];

/// A recurrence with `steps` steps, or `n` if they are not known.
fn recurrence(step: &Step, dtype: &str, random: &mut Random, steps: &str, rows: bool) -> (String, Graph) {
    let (direction, sign) = random.pick(&[("forward", "sub"), ("backward", "add")]);
    let (row, row_place) = if rows { ("r:3, ", "%row, ") } else { ("", "") };
    let wanted = if rows { "all" } else { random.pick(USES) };
    let zero = if dtype.starts_with('f') { "0.0" } else { "0" };
    let outside = random.pick(&["%s", "%zero"]);
    let ty = format!("{dtype}[{row}t:{steps}]");
    let names =
        [("A", "%a"), ("B", "%b"), ("P", "%before"), ("R", "%r"), ("N", "%now"), ("X", "%x"), ("Y", "%y")];
    let body: String = step.nodes.lines().fold(String::new(), |text, line| {
        let words = line.split(' ').map(|word| {
            let (bare, comma) = word.strip_suffix(',').map_or((word, ""), |bare| (bare, ","));
            let known = names.iter().find(|name| name.0 == bare).map(|name| name.1);
            let known = known.or((bare == "T").then_some(ty.as_str()));
            format!("{}{comma}", known.unwrap_or(bare))
        });
        text + &words.collect::<Vec<_>>().join(" ") + "\n"
    });
    let last = match direction {
        "forward" => format!("size {steps} - 1"),
        _ => "const 0".into(),
    };
    let (more, output) = match wanted {
        "last" => (format!("%at = {last} : i64\n%l = access %h[%at] : {dtype}"), "%l[]"),
        "read" => (format!("%z = add %h, %b : {ty}"), "%z[t]"),
        "read before" => (
            format!("%p = access %h[%t1 | {outside}] : {ty}\n%q = mul %p, %b : {ty}\n%z = add %q, %h : {ty}"),
            "%z[t]",
        ),
        _ => (String::new(), if rows { "%h[r, t]" } else { "%h[t]" }),
    };
    let symbols = if steps == "n" { "n" } else { "" };
    let row_index = if rows { "%row = index r : i64[r:3]\n" } else { "" };
    let named = format!(
        "graph @g({symbols}; %a: {ty}, %b: {ty}, %r: bool[{row}t:{steps}], %s: {dtype}) {{
           %state = state t {direction} : {ty}
           {row_index}%t = index t : i64[t:{steps}]
           %one = const 1 : i64
           %t1 = {sign} %t, %one : i64[t:{steps}]
           %zero = const {zero} : {dtype}
           %before = access %state[{row_place}%t1 | {outside}] : {ty}
           {body}%h = recur.0 {{%state <- %now}} : {ty}
           {more}
           return o = {output}
         }}"
    );
    let text = numbered(&named);
    let graph: Graph = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    (format!("{} of {dtype}, {direction}, {wanted}, {steps} steps", step.name), graph)
}

/// The text with numbers for the names of nodes that are no inputs.
fn numbered(text: &str) -> String {
    let defined = text.lines().filter_map(|line| line.trim().split_once(" = ")).map(|(name, _)| name);
    let names: Vec<&str> = defined.filter(|name| name.starts_with('%')).collect();
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        let end = from[1..].find(|c: char| !c.is_alphanumeric()).map_or(from.len(), |end| end + 1);
        result.push_str(before);
        match names.iter().position(|name| *name == &from[..end]) {
            Some(number) => result.push_str(&format!("%{number}")),
            None => result.push_str(&from[..end]),
        }
        rest = &from[end..];
    }
    result + rest
}

fn scanned(graph: &Graph, contract: Contract) -> (Func, Func, Changed) {
    let mut before = lowered(graph);
    let context = PassContext::new(contract, Bindings::new());
    let run = |name: &str, func: &mut Func| (find(LOOP_PASSES, name).expect("a pass").run)(func, &context);
    run("simplify", &mut before);
    let mut func = before.clone();
    let changed = run("scan", &mut func);
    func.verify().unwrap_or_else(|errors| panic!("{errors}\n{func}"));
    (before, func, changed)
}

fn within_bounds(name: &str, before: &Func, after: &Func, operands: &[Tensor<Bounded>], bindings: &Bindings) {
    let (Ok(want), Ok(got)) = (before.eval(operands, bindings), after.eval(operands, bindings)) else {
        panic!("{name}\n{after}");
    };
    for (a, b) in want[0].data.iter().zip(&got[0].data) {
        match (a, b) {
            (Value::Real(a), Value::Real(b)) => {
                // Each may be off by its bound, and another order may double it.
                let error = 4.0 * (a.error + b.error);
                let near = a.admits(b.value) == Some(true)
                    || !error.is_finite()
                    || (a.value - b.value).abs() <= error;
                assert!(near, "{name}: {a:?} {b:?}\n{after}");
            }
            (a, b) => assert_eq!(a, b, "{name}\n{after}"),
        }
    }
}

/// Every step in every type, of all uses: combined where it should be, and the same.
#[test]
fn scans_mean_what_the_recurrences_mean() {
    let mut random = Random(11);
    for round in 0..6 {
        for step in STEPS {
            for dtype in ["f32", "f64", "i32", "i64"] {
                let length = random.pick(&[100, 128, 129, 255, 256, 300, 513]);
                let steps = if round % 3 == 2 { "n".into() } else { length.to_string() };
                let (name, graph) = recurrence(step, dtype, &mut random, &steps, round == 1);
                let mut bindings = Bindings::new();
                if steps == "n" {
                    bindings.insert("n".into(), random.pick(&[0, 1, 7, 16, 17, 300]));
                }
                let float = dtype.starts_with('f');
                let combined = float || step.strict.1 == Some(true);
                let (before, func, changed) = scanned(&graph, Contract::Reassoc);
                assert_eq!(changed.is_yes(), combined, "{name}\n{before}");
                let strict = scanned(&graph, Contract::Strict).2;
                let exact = if float { step.strict.0 } else { combined };
                assert_eq!(strict.is_yes(), exact, "{name}");
                if step.algebraic {
                    agree::<Exact>(&graph, &func, &bindings, 0.0);
                }
                if exact {
                    agree::<Native>(&graph, &func, &bindings, 0.0);
                }
                if float {
                    let operands = operands::<Bounded>(&graph, &bindings, round);
                    within_bounds(&name, &before, &func, &operands, &bindings);
                }
            }
        }
    }
}

fn func(body: &str) -> Func {
    let text = format!(
        "func @f() {{
           input X: f32[300] input Z: f32[300] input K: i64[300] output Y: f32[300] output W: f32[300]
           scratch S: f32[2]
           for w in 0..300 {{ W[w] = 1.0f32 }}
           {body}
         }}"
    );
    let func: Func = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    func.verify().unwrap_or_else(|errors| panic!("{errors}\n{func}"));
    func
}

/// Loops that look like chains and are not, or whose steps cannot be computed ahead.
#[test]
fn other_loops_stay() {
    let stay = [
        // The state goes through something that is no sum or product.
        "Y[0] = 0.0f32 for t in 0..300 { Y[t] = X[t] + sqrt(select(0 <= t - 1, Y[max(t - 1, 0)], 0.0f32)) }",
        // The square of the state.
        "Y[0] = 0.0f32 for t in 0..300 {
           let p: f32 = select(0 <= t - 1, Y[max(t - 1, 0)], 0.0f32) Y[t] = p * p + X[t] }",
        // The addend is what the rest of an iteration before wrote.
        "S[1] = 0.0f32 for t in 0..300 { S[t mod 2] = S[(t + 1) mod 2] + W[max(t - 1, 0)] W[t] = S[t mod 2] }
         for y in 0..300 { Y[y] = 0.0f32 }",
        // The state of two steps before.
        "Y[0] = 0.0f32 for t in 0..300 { Y[t] = X[t] + select(1 < t, Y[max(t - 2, 0)], 0.0f32) }",
        // The first iteration is not the one whose state is given.
        "Y[0] = 0.0f32 for t in 0..300 { Y[t] = X[t] + select(5 <= t - 1, Y[max(t - 1, 0)], 0.0f32) }",
        // The state is read where it is not yet written.
        "for y in 0..300 { Y[y] = 0.0f32 }
         for t in 0..300 { Y[t] = X[t] + Y[t] + select(0 <= t - 1, Y[max(t - 1, 0)], 0.0f32) }",
        // The place comes from data.
        "for y in 0..300 { Y[y] = 0.0f32 }
         for t in 0..300 { Y[K[t] mod 300] = X[t] + select(0 <= t - 1, Y[max(t - 1, 0)], 0.0f32) }",
        // Two states at once.
        "S[1] = 0.0f32 Y[0] = 0.0f32 for t in 0..300 {
           S[t mod 2] = S[(t + 1) mod 2] + select(0 <= t - 1, Y[max(t - 1, 0)], 0.0f32)
           Y[t] = S[t mod 2] + X[t] }",
        // Too short.
        "Y[0] = 0.0f32 for t in 0..20 { Y[t] = X[t] + select(0 <= t - 1, Y[max(t - 1, 0)], 0.0f32) }
         for y in 20..300 { Y[y] = 0.0f32 }",
    ];
    for body in stay {
        let mut function = func(body);
        let before = function.clone();
        let changed =
            (find(LOOP_PASSES, "scan").expect("a pass").run)(&mut function, &PassContext::default());
        assert_eq!(changed, Changed::No, "{function}");
        assert_eq!(before, function);
    }
    let chain =
        "Y[0] = 0.0f32 for t in 0..300 { Y[t] = X[t] + select(0 <= t - 1, Y[max(t - 1, 0)], 0.0f32) }";
    let mut function = func(chain);
    let scan = find(LOOP_PASSES, "scan").expect("a pass");
    assert_eq!((scan.run)(&mut function, &PassContext::default().with_fuel(0)), Changed::No);
    assert_eq!((scan.run)(&mut function, &PassContext::default()), Changed::Yes);
    assert_eq!(function.buffers.iter().filter(|b| b.dtype == Dtype::F32).count(), 5 + 5);
}
