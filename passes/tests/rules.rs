//! Every rewrite rule alone: programs around its left side, random in shape and dtype, mean the same
//! after one application, in the way that the law of the rule says.
//!
//! A rule that never fires here fails. Rules that look for more than their left side says have programs of
//! their own in `passes/tests/rules/<rule>.tcc`, in which `T` stands for a dtype. `TCC_RULES=1000` draws
//! more programs for each rule.

#[path = "../../tests/meaning/mod.rs"]
mod meaning;

use libtest_mimic::{Arguments, Failed, Trial};
use meaning::{Check, Question, Random, same, small_bindings};
use std::fs;
use std::path::Path;
use tcc_ir::domain::{Domain, Native, Value};
use tcc_ir::graph::Graph;
use tcc_ir::{Bindings, Dtype, Ir, Kind, Tensor};
use tcc_passes::egraph::rules::{Law, Rule, rules};
use tcc_passes::egraph::{RuleUse, example, explain, rewritten_by};
use tcc_passes::{Changed, Contract, PassContext, Pipeline, Quiet};

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rules");

/// Programs for each rule unless `TCC_RULES` says otherwise.
const SAMPLE: u64 = 60;

/// Applications of a rule that are looked at in one program.
const APPLICATIONS: usize = 3;

fn main() {
    let arguments = Arguments::from_args();
    let sample = std::env::var("TCC_RULES").ok().and_then(|text| text.parse().ok()).unwrap_or(SAMPLE);
    let mut trials: Vec<Trial> = rules()
        .map(|rule| Trial::test(rule.name, move || keeps_its_law(rule, sample).map_err(Failed::from)))
        .collect();
    trials.push(Trial::test("no rule takes the maximum away", || keeps_the_maximum().map_err(Failed::from)));
    trials.push(Trial::test("twice the same bytes", || same_bytes().map_err(Failed::from)));
    trials.push(Trial::test("fuel counts applications", || fuel_counts().map_err(Failed::from)));
    trials.push(Trial::test("a report says what was done", || reports().map_err(Failed::from)));
    libtest_mimic::run(&arguments, trials).exit();
}

/// Random programs for a rule: its own, then made up ones.
fn programs(rule: &Rule, sample: u64) -> Result<Vec<Graph>, String> {
    let mut programs = Vec::new();
    let file = format!("{PROGRAMS}/{}.tcc", rule.name);
    if let Ok(text) = fs::read_to_string(&file) {
        for program in text.split("----\n") {
            let dtypes: &[&str] = if program.contains(": T") { &["f64", "f32", "i64"] } else { &["f64"] };
            for dtype in dtypes {
                let text = program.replace(": T", &format!(": {dtype}"));
                let text = if *dtype == "i64" { text.replace("0.0 :", "0 :") } else { text };
                let graph: Graph = text.parse().map_err(|error| format!("{file}: {error}\n{text}"))?;
                graph.verify().map_err(|errors| format!("{file}: {errors}\n{text}"))?;
                programs.push(graph);
            }
        }
        return Ok(programs);
    }
    let mut random = Random(7);
    for _ in 0..sample * 20 {
        programs.extend(example(rule.name, &mut |bound| random.below(bound)));
        if programs.len() as u64 >= sample {
            break;
        }
    }
    Ok(programs)
}

fn keeps_its_law(rule: &'static Rule, sample: u64) -> Result<(), String> {
    let (mut fired, mut decided) = (0, 0);
    let programs = programs(rule, sample)?;
    if std::env::var_os("TCC_BLESS").is_some() {
        write_file(rule, &programs).map_err(|error| error.to_string())?;
    }
    for (number, before) in programs.iter().enumerate() {
        for after in rewritten_by(before, rule.name, APPLICATIONS) {
            fired += 1;
            let report = |error: String| format!("{error}\n{before}\n{after}");
            after.verify().map_err(|errors| report(errors.to_string()))?;
            if before.to_string() == after.to_string() {
                return Err(report("the rule changes nothing".into()));
            }
            for (seed, bindings) in small_bindings(before).iter().take(6).enumerate() {
                for reals in [(-2.0, 2.0), (0.25, 3.0)] {
                    let seed = (number + 31 * seed) as u64;
                    let question = Question { bindings, seed, reals, floats_only: false };
                    let check = same(before, &after, question).map_err(report)?;
                    decided += u64::from(matches!(check, Check::Exact | Check::Integers | Check::ErrorBound));
                    let discrete = before.nodes.iter().all(|node| !has_reals(node.ty.dtype));
                    if rule.law == Law::Exact || discrete {
                        every_bit(before, &after, bindings, seed).map_err(report)?;
                    }
                }
            }
        }
    }
    match (fired, decided) {
        (0, _) => Err("the rule never fired".into()),
        (_, 0) => Err("nothing decided whether the results stay the same".into()),
        _ => Ok(()),
    }
}

/// Writes the file that shows a rule, if there is none: the first program with floats, where it can be, and
/// without extents 0 and 1.
fn write_file(rule: &Rule, programs: &[Graph]) -> std::io::Result<()> {
    let file = format!("{}/../tests/filetests/graph/saturate/{}.tcc", env!("CARGO_MANIFEST_DIR"), rule.name);
    if Path::new(&file).exists() {
        return Ok(());
    }
    let rank = |graph: &Graph| {
        let dull = |input: &tcc_ir::graph::Input| {
            let few = |axis: &tcc_ir::Axis| axis.extent.as_const().is_some_and(|extent| extent < 2);
            input.ty.axes.is_empty() || input.ty.axes.iter().any(few)
        };
        let floats = graph.inputs.iter().any(|input| input.ty.dtype.is_float());
        (graph.inputs.iter().filter(|input| dull(input)).count(), !floats)
    };
    let mut ranked: Vec<&Graph> = programs.iter().collect();
    ranked.sort_by_key(|graph| rank(graph));
    for before in ranked {
        if let Some(after) = rewritten_by(before, rule.name, 1).first() {
            let name = rule.name;
            return fs::write(file, format!("test rule = \"{name}\"\n\n{before}----\n{after}"));
        }
    }
    Ok(())
}

fn has_reals(dtype: Dtype) -> bool {
    matches!(dtype.kind(), Kind::Float | Kind::Complex)
}

/// Whether the results agree bit for bit, NaN payloads aside, also on infinities, NaN, zeros of both signs
/// and integers that wrap.
fn every_bit(before: &Graph, after: &Graph, bindings: &Bindings, seed: u64) -> Result<(), String> {
    const REALS: [f64; 12] =
        [0.0, -0.0, 1.0, -1.0, 0.1, -2.5, 3.0, 1e30, -1e-30, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    const INTEGERS: [i64; 8] = [0, 1, 2, -1, 77, i64::MAX, i64::MIN, -12345];
    let mut random = Random(seed ^ 0x5eed);
    // In some rounds all is finite: NaN would hide the rest.
    for range in [REALS.len() - 3, REALS.len()] {
        let inputs: Vec<Tensor<Native>> = before
            .inputs
            .iter()
            .map(|input| {
                let shape: Vec<usize> = input
                    .ty
                    .axes
                    .iter()
                    .map(|axis| axis.extent.eval(bindings).unwrap_or(0).max(0) as usize)
                    .collect();
                let dtype = input.ty.dtype;
                let mut real = || {
                    let number = REALS[random.below(range as u64) as usize];
                    Native::from_f64(if input.range.is_some() { 1.5 } else { number }, dtype.part())
                };
                let mut element = || match dtype.kind() {
                    Kind::Float => Value::Real(real()),
                    Kind::Complex => Value::Complex(real(), real()),
                    Kind::Bool => Value::Bool(real().is_sign_positive()),
                    Kind::Int => Value::Int(dtype.wrap(INTEGERS[(real().to_bits() % 8) as usize])),
                };
                let data = (0..shape.iter().product()).map(|_| element()).collect();
                Tensor::from_values(dtype, &shape, data).expect("a tensor of this shape")
            })
            .collect();
        let (x, y) = match (before.eval(&inputs, bindings), after.eval(&inputs, bindings)) {
            (Ok(x), Ok(y)) => (x, y),
            (Err(_), Err(_)) => continue,
            (x, y) => return Err(format!("{:?} but {:?}", x.err(), y.err())),
        };
        let bits = |value: &Value<Native>| match value {
            Value::Bool(value) => (u64::from(*value), 0),
            Value::Int(value) => (*value as u64, 0),
            Value::Real(value) => (bits(*value), 0),
            Value::Complex(re, im) => (bits(*re), bits(*im)),
        };
        for (x, y) in x.iter().zip(&y) {
            if x.shape != y.shape || x.data.iter().map(bits).ne(y.data.iter().map(bits)) {
                return Err(format!("bits differ for {inputs:?}:\n{x:?}\n{y:?}"));
            }
        }
    }
    Ok(())
}

fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// Softmax and logsumexp, in every form, keep the subtraction of the maximum under every contract: large
/// numbers do not overflow.
fn keeps_the_maximum() -> Result<(), String> {
    const FORMS: [&str; 4] = [
        "%0 = max[j] %x : f32[i:n]
         %1 = sub %x, %0 : f32[i:n, j:m]
         %2 = exp %1 : f32[i:n, j:m]
         %3 = sum[j] %2 : f32[i:n]
         %4 = div %2, %3 : f32[i:n, j:m]",
        "%0 = max[j] %x : f32[i:n]
         %1 = sub %x, %0 : f32[i:n, j:m]
         %2 = exp %1 : f32[i:n, j:m]
         %3 = sum[j] %2 : f32[i:n]
         %5 = log %3 : f32[i:n]
         %6 = add %0, %5 : f32[i:n]
         %7 = sub %x, %6 : f32[i:n, j:m]
         %4 = exp %7 : f32[i:n, j:m]",
        "%4 = softmax[j] %x : f32[i:n, j:m]",
        "%0 = logsumexp[j] %x : f32[i:n]
         %1 = sub %x, %0 : f32[i:n, j:m]
         %4 = exp %1 : f32[i:n, j:m]",
    ];
    let numbers: Vec<f64> = (0..12).map(|n| 100.0 * f64::from(n) - 300.0).collect();
    let bindings = Bindings::from([("n".into(), 3), ("m".into(), 4)]);
    let input = Tensor::<Native>::from_f64s(Dtype::F32, &[3, 4], &numbers).ok_or("a tensor")?;
    for form in FORMS {
        let text = format!("graph @rows(n, m; %x: f32[i:n, j:m]) {{\n{form}\nreturn y = %4[i, j]\n}}");
        let graph: Graph = renumbered(&text).parse().map_err(|error| format!("{error}\n{text}"))?;
        for (contract, name) in Contract::TABLE {
            for levels in ["saturate", "saturate, canonicalize, fold, cse, saturate, dce, saturate"] {
                let mut after = graph.clone();
                let context = PassContext { verify: true, ..PassContext::new(*contract, Bindings::new()) };
                let pipeline = Pipeline::parse(levels).map_err(|error| error.to_string())?;
                pipeline.run_graph(&mut after, &context, &mut Quiet).map_err(|error| error.to_string())?;
                let result =
                    after.eval(std::slice::from_ref(&input), &bindings).map_err(|error| error.to_string())?;
                let sane = |value: &Value<Native>| value.as_real().is_some_and(|x| (0.0..=1.0).contains(&x));
                let rows: Vec<f64> = result[0]
                    .data
                    .chunks(4)
                    .map(|row| row.iter().filter_map(|value| value.as_real()).sum())
                    .collect();
                if !result[0].data.iter().all(sane) || rows.iter().any(|sum| (sum - 1.0).abs() > 1e-5) {
                    return Err(format!("{name}: {rows:?} is no distribution\n{graph}\n{after}"));
                }
            }
        }
    }
    Ok(())
}

/// The same text with nodes numbered in order.
fn renumbered(text: &str) -> String {
    let mut numbers: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some((name, _)) = line.trim().split_once(" = ")
            && name.starts_with('%')
        {
            numbers.push(name.to_string());
        }
    }
    let mut text = text.to_string();
    for (position, name) in numbers.iter().enumerate() {
        for end in [",", "\n", " ", "["] {
            text = text.replace(&format!("{name}{end}"), &format!("%#{position}{end}"));
        }
    }
    text.replace("%#", "%")
}

/// Programs that several rules apply to.
fn busy_programs() -> Vec<Graph> {
    let mut random = Random(11);
    let names = ["factor-sum", "pull-factors", "split-sum", "softmax", "reciprocal-of-smaller", "silu"];
    let draw = |name: &str, random: &mut Random| {
        (0..100).find_map(|_| example(name, &mut |bound| random.below(bound)))
    };
    names.iter().filter_map(|name| draw(name, &mut random)).collect()
}

fn same_bytes() -> Result<(), String> {
    for graph in busy_programs() {
        let pipeline = Pipeline::parse("saturate").map_err(|error| error.to_string())?;
        let run = || {
            let mut after = graph.clone();
            pipeline.run_graph(&mut after, &PassContext::default(), &mut Quiet).map(|()| after.to_string())
        };
        if run() != run() {
            return Err(format!("two runs differ:\n{graph}"));
        }
    }
    Ok(())
}

/// With fuel for n applications the result verifies and means the same, for each n; with enough fuel it is
/// that of a run without a limit.
fn fuel_counts() -> Result<(), String> {
    let mut changes = 0;
    for graph in busy_programs() {
        let mut unlimited = graph.clone();
        tcc_passes::egraph::run(&mut unlimited, &PassContext::default());
        let mut last = graph.clone();
        for fuel in 0..200 {
            let mut after = graph.clone();
            let context = PassContext::default().with_fuel(fuel);
            let changed = tcc_passes::egraph::run(&mut after, &context);
            after.verify().map_err(|errors| format!("fuel {fuel}: {errors}\n{after}"))?;
            if changed == Changed::No && after.to_string() != graph.to_string() {
                return Err(format!("fuel {fuel}: says it changed nothing, but made\n{after}"));
            }
            if fuel == 0 && changed == Changed::Yes {
                return Err(format!("without fuel something changed:\n{after}"));
            }
            changes += u64::from(after.to_string() != last.to_string());
            last = after;
        }
        if last.to_string() != unlimited.to_string() {
            return Err(format!("200 applications are not enough:\n{last}\n{unlimited}"));
        }
    }
    if changes == 0 { Err("fuel decides nothing".into()) } else { Ok(()) }
}

/// The report of a program in which a common factor of two contractions is taken out.
fn reports() -> Result<(), String> {
    let graph: Graph = "graph @shared(n, m, p; %A: f32[i:n, k:m], %B: f32[i:n, k:m], %W: f32[k:m, j:p]) {
        %0 = mul %A, %W : f32[i:n, k:m, j:p]
        %1 = sum[k] %0 : f32[i:n, j:p]
        %2 = mul %B, %W : f32[i:n, k:m, j:p]
        %3 = sum[k] %2 : f32[i:n, j:p]
        %4 y = add %1, %3 : f32[i:n, j:p]
        return y = %4[i, j]
    }"
    .parse()
    .map_err(|error| format!("{error}"))?;
    let report = explain(&graph, &PassContext::default());
    let mut after = graph.clone();
    let changed = tcc_passes::egraph::run(&mut after, &PassContext::default()).is_yes();
    let has = |uses: &[RuleUse], name: &str| uses.iter().any(|used| used.rule == name && used.count > 0);
    let statement = report.statements.first().ok_or("no statement changed")?;
    let told = statement.name == "y" && statement.is_output && has(&statement.rules, "factor-sum");
    if !(told && changed && report.changed && report.cycles_after < 0.6 * report.cycles_before) {
        return Err(format!("{report:?}"));
    }
    if report.phases.len() != 3 || report.phases.iter().any(|phase| phase.nodes == 0) {
        return Err(format!("{report:?}"));
    }
    let strict = explain(&graph, &PassContext::new(Contract::Strict, Bindings::new()));
    if strict.changed || !strict.statements.is_empty() || !has(&strict.refused, "join-sums") {
        return Err(format!("{strict:?}"));
    }
    Ok(())
}
